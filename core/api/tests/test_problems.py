"""Problem documents are bounded, whatever the body holds."""

from __future__ import annotations

import json

import pytest
from django.test import RequestFactory
from rest_framework import serializers

from core.api.fields import StrictSerializer
from core.api.problems import exception_handler
from core.errors import MAX_FIELD_ERRORS


class NumbersInput(StrictSerializer):
    """Input of this test."""

    numbers = serializers.ListField(child=serializers.IntegerField())


@pytest.mark.parametrize("data", [{f"k{number}": 1 for number in range(1_000)}, {"numbers": ["x"] * 1_000}])
def test_problem_names_a_bounded_number_of_fields(data):
    serializer = NumbersInput(data=data)
    with pytest.raises(serializers.ValidationError) as caught:
        serializer.is_valid(raise_exception=True)

    response = exception_handler(caught.value, {"request": RequestFactory().post("/api/v1/tasks/")})

    assert response.status_code == 400
    assert len(json.loads(response.content)["errors"]) == MAX_FIELD_ERRORS

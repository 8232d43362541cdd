# All commands are implemented by launcher/, which needs nothing but Python 3.11.
PYTHON ?= python3
export PORT HOST

.DEFAULT_GOAL := help
.PHONY: help messages run test check fix stack install bench bench-pages lighthouse drills screenshots

help run check fix stack install screenshots:
	@$(PYTHON) launcher $@

test:
	@$(PYTHON) launcher test $(ARGS)

bench:
	@$(PYTHON) launcher bench $(ARGS)

bench-pages:
	@$(PYTHON) launcher bench-pages $(ARGS)

lighthouse:
	@$(PYTHON) launcher lighthouse $(ARGS)

drills:
	@$(PYTHON) launcher drills $(ARGS)

drill-%:
	@$(PYTHON) launcher drill $*

# Collects the texts that are marked for translation, and compiles the catalogue (GNU gettext).
messages:
	@.venv/bin/python manage.py makemessages -l de --no-obsolete --no-wrap --add-location file --ignore .venv --ignore tests
	@msgfmt --check-format -o locale/de/LC_MESSAGES/django.mo locale/de/LC_MESSAGES/django.po

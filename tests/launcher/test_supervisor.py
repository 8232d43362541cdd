import os
import signal
import sys

import pytest

pytestmark = pytest.mark.processes

STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def program(checkout, source):
    """A Python program whose command line names the checkout, so that it can be found again."""
    return [sys.executable, "-c", source, str(checkout)]


def test_shows_the_words_of_each_part_with_its_name(checkout, launch, eventually):
    trial = launch(greeter=program(checkout, "import time; print('good morning', flush=True); time.sleep(600)"))

    line = trial.read_until("good morning")

    assert line == "greeter   | good morning\n"
    eventually(lambda: "greeter   | good morning\n" in (checkout / "var/log/taskflow.log").read_text())


def test_starts_a_dead_part_again_and_waits_longer_each_time(checkout, launch):
    trial = launch(weak=program(checkout, "import sys; sys.exit(3)"))

    first = trial.read_until("stopped")
    second = trial.read_until("stopped")

    assert first == "weak      | stopped with exit code 3; starting it again in 0.5 s\n"
    assert second == "weak      | stopped with exit code 3; starting it again in 1 s\n"


def test_kills_the_children_of_a_killed_part_before_it_starts_again(checkout, launch, left_behind, eventually):
    child = f"{STUBBORN}  # child"
    parent = f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}, sys.argv[1]]); os.kill(os.getpid(), 9)"
    trial = launch(parent=program(checkout, parent))

    trial.read_until("signal SIGKILL")

    eventually(lambda: not [words for words in left_behind() if "# child" in words and "subprocess" not in words])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_a_part_that_ignores_the_request_within_five_seconds(number, checkout, launch, left_behind):
    trial = launch(stubborn=program(checkout, STUBBORN), willing=program(checkout, "import time; time.sleep(600)"))
    trial.read_until("| up")

    seconds = trial.end(number)

    assert seconds < 5
    assert trial.process.returncode == 130
    assert left_behind() == []


def test_leaves_no_process_when_it_is_killed_itself(checkout, launch, left_behind, eventually):
    trial = launch(stubborn=program(checkout, STUBBORN), willing=program(checkout, "import time; time.sleep(600)"))
    trial.read_until("| up")

    trial.end(signal.SIGKILL)

    eventually(lambda: left_behind() == [], 6)


def test_refuses_a_second_instance_and_names_the_first(checkout, launch):
    first = launch()
    first.read_until("ready")

    second = launch()
    words = second.read_until("already running")

    assert f"process {first.process.pid}, on trial" in words
    assert second.process.wait(5) == 1
    assert first.process.poll() is None


def test_takes_over_from_an_instance_that_was_killed(checkout, launch):
    first = launch(stubborn=program(checkout, STUBBORN))
    first.read_until("| up")
    first.end(signal.SIGKILL)

    second = launch()

    second.read_until("ready")


def test_gives_its_parts_their_own_session(checkout, launch):
    trial = launch(
        part=program(checkout, "import os, time; print('sid', os.getsid(0), os.getpid(), flush=True); time.sleep(600)")
    )

    _, session, pid = trial.read_until("| sid").split("| ")[1].split()

    assert session == pid
    assert int(session) != os.getsid(0)

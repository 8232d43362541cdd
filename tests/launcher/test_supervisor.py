import os
import signal
import sys

import pytest

pytestmark = pytest.mark.processes

IGNORES_SIGTERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def python_command(checkout, source):
    """A Python program whose command line names the checkout, so that it can be found again."""
    return [sys.executable, "-c", source, str(checkout)]


def test_shows_the_words_of_each_part_with_its_name(checkout, launch, wait_until):
    launcher_process = launch(
        greeter=python_command(checkout, "import time; print('good morning', flush=True); time.sleep(600)")
    )

    line = launcher_process.read_until("good morning")

    assert line == "greeter   | good morning\n"
    wait_until(lambda: "greeter   | good morning\n" in (checkout / "var/log/taskflow.log").read_text())


def test_starts_a_dead_part_again_and_waits_longer_each_time(checkout, launch):
    launcher_process = launch(weak=python_command(checkout, "import sys; sys.exit(3)"))

    first = launcher_process.read_until("stopped")
    second = launcher_process.read_until("stopped")

    assert first == "weak      | stopped with exit code 3; starting it again in 0.5 s\n"
    assert second == "weak      | stopped with exit code 3; starting it again in 1 s\n"


def test_kills_the_children_of_a_killed_part_before_it_starts_again(checkout, launch, leftover_processes, wait_until):
    child = f"{IGNORES_SIGTERM}  # child"
    parent = f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}, sys.argv[1]]); os.kill(os.getpid(), 9)"
    launcher_process = launch(parent=python_command(checkout, parent))

    launcher_process.read_until("signal SIGKILL")

    wait_until(
        lambda: not [words for words in leftover_processes() if "# child" in words and "subprocess" not in words]
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_a_part_that_ignores_the_request_within_five_seconds(number, checkout, launch, leftover_processes):
    launcher_process = launch(
        stubborn=python_command(checkout, IGNORES_SIGTERM),
        willing=python_command(checkout, "import time; time.sleep(600)"),
    )
    launcher_process.read_until("| up")

    seconds = launcher_process.end(number)

    assert seconds < 5
    assert launcher_process.process.returncode == 130
    assert leftover_processes() == []


def test_leaves_no_process_when_it_is_killed_itself(checkout, launch, leftover_processes, wait_until):
    launcher_process = launch(
        stubborn=python_command(checkout, IGNORES_SIGTERM),
        willing=python_command(checkout, "import time; time.sleep(600)"),
    )
    launcher_process.read_until("| up")

    launcher_process.end(signal.SIGKILL)

    wait_until(lambda: leftover_processes() == [], 6)


def test_refuses_a_second_instance_and_names_the_first(checkout, launch):
    first = launch()
    first.read_until("ready")

    second = launch()
    words = second.read_until("already running")

    assert f"process {first.process.pid}, on trial" in words
    assert second.process.wait(5) == 1
    assert first.process.poll() is None


def test_takes_over_from_an_instance_that_was_killed(checkout, launch):
    first = launch(stubborn=python_command(checkout, IGNORES_SIGTERM))
    first.read_until("| up")
    first.end(signal.SIGKILL)

    second = launch()

    second.read_until("ready")


def test_gives_its_parts_their_own_session(checkout, launch):
    launcher_process = launch(
        part=python_command(
            checkout, "import os, time; print('sid', os.getsid(0), os.getpid(), flush=True); time.sleep(600)"
        )
    )

    _, session, pid = launcher_process.read_until("| sid").split("| ")[1].split()

    assert session == pid
    assert int(session) != os.getsid(0)

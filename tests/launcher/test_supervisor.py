"""The launcher's supervisor: output, restarts, and stopping all processes."""

import errno
import io
import os
import signal
import sys
import time

import pytest

from launcher import log_files
from launcher.log_files import LogFile
from launcher.supervisor import STABLE_AFTER, ProcessSpec, Supervisor, restart_pause

pytestmark = pytest.mark.processes

IGNORES_SIGTERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def python_command(checkout, source):
    """Return a Python command that names the checkout, so that `leftover_processes` lists it."""
    return [sys.executable, "-c", source, str(checkout)]


def test_output_is_prefixed_with_the_process_name(checkout, launch, wait_until):
    launcher_process = launch(
        greeter=python_command(checkout, "import time; print('good morning', flush=True); time.sleep(600)")
    )

    line = launcher_process.read_until("good morning")

    assert line == "greeter   | good morning\n"
    wait_until(lambda: "greeter   | good morning\n" in (checkout / "var/log/taskflow.log").read_text())


def test_signals_are_handled_again_after_a_stop(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with Supervisor(log=tmp_path / "servers.log"):
        pass

    # `make drills` stops the servers of each drill and must stay interruptible.
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_crashed_process_is_restarted_with_backoff(checkout, launch):
    launcher_process = launch(weak=python_command(checkout, "import sys; sys.exit(3)"))

    lines = [launcher_process.read_until("stopped") for _ in range(4)]

    assert lines == [
        f"weak      | stopped with exit code 3; starting it again {when}\n"
        for when in ("at once", "at once", "in 0.5 s", "in 1 s")
    ]


def test_backoff_ends_after_a_stable_run(tmp_path):
    spec = ProcessSpec(name="relay", command=["sleep", "600"], environment=dict(os.environ))
    seconds_run = [0, 0, 0, STABLE_AFTER - 5, STABLE_AFTER + 1, 0]
    crashes = []
    with Supervisor(log=tmp_path / "log", quiet=True) as supervisor:
        supervisor.start(spec)
        (managed,) = supervisor._running
        for seconds in seconds_run:
            managed.started -= seconds
            managed.process.kill()
            while managed.process is not None:
                supervisor._tick(0.02)
            crashes.append((managed.crashes, restart_pause(managed.crashes)))
            while managed.process is None:
                supervisor._tick(0.02)

    assert crashes == [(1, 0), (2, 0), (3, 0.5), (4, 1), (1, 0), (2, 0)]


def test_children_of_a_killed_process_are_killed(checkout, launch, leftover_processes, wait_until):
    child = f"{IGNORES_SIGTERM}  # child"
    parent = f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}, sys.argv[1]]); os.kill(os.getpid(), 9)"
    launcher_process = launch(parent=python_command(checkout, parent))

    launcher_process.read_until("signal SIGKILL")

    wait_until(lambda: not [line for line in leftover_processes() if "# child" in line and "subprocess" not in line])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_process_that_ignores_the_signal_is_killed_in_time(number, checkout, launch, leftover_processes):
    launcher_process = launch(
        stubborn=python_command(checkout, IGNORES_SIGTERM),
        willing=python_command(checkout, "import time; time.sleep(600)"),
    )
    launcher_process.read_until("| up")

    seconds = launcher_process.end(number)

    assert seconds < 5
    assert launcher_process.process.returncode == 130
    assert leftover_processes() == []


def test_processes_are_stopped_when_the_launcher_is_killed(checkout, launch, leftover_processes, wait_until):
    launcher_process = launch(
        stubborn=python_command(checkout, IGNORES_SIGTERM),
        willing=python_command(checkout, "import time; time.sleep(600)"),
    )
    launcher_process.read_until("| up")

    launcher_process.end(signal.SIGKILL)

    wait_until(lambda: leftover_processes() == [], 6)


def test_second_instance_is_rejected_naming_the_first(checkout, launch):
    first = launch()
    first.read_until("ready")

    second = launch()
    line = second.read_until("already running")

    assert f"process {first.process.pid}, under test" in line
    assert second.process.wait(5) == 1
    assert first.process.poll() is None


def test_lock_is_taken_over_from_a_killed_instance(checkout, launch):
    first = launch(stubborn=python_command(checkout, IGNORES_SIGTERM))
    first.read_until("| up")
    first.end(signal.SIGKILL)

    second = launch()

    second.read_until("ready")


def test_processes_run_in_their_own_session(checkout, launch):
    launcher_process = launch(
        session=python_command(
            checkout, "import os, time; print('sid', os.getsid(0), os.getpid(), flush=True); time.sleep(600)"
        )
    )

    _, session, pid = launcher_process.read_until("| sid").split("| ")[1].split()

    assert session == pid
    assert int(session) != os.getsid(0)


def test_closed_output_does_not_end_the_supervisor(checkout, launch, wait_until, leftover_processes):
    launcher_process = launch(
        talker=python_command(
            checkout, "import time\nwhile True: print('tick', time.monotonic(), flush=True); time.sleep(0.05)"
        )
    )
    launcher_process.read_until("tick")

    launcher_process.process.stdout.close()
    log = checkout / "var/log/taskflow.log"
    size = log.stat().st_size

    wait_until(lambda: log.stat().st_size > size + 1000)
    assert launcher_process.process.poll() is None
    launcher_process.process.send_signal(signal.SIGTERM)
    assert launcher_process.process.wait(5) == 130
    assert leftover_processes() == []


def test_full_disk_loses_lines_and_no_process(checkout):
    log = LogFile(checkout / "taskflow.log")
    writable, log._file = log._file, FullDisk()
    log.write(b"lost\n")
    log.write(b"lost\n")
    log._file = writable
    log.write(b"next\n")
    log.close()

    assert (checkout / "taskflow.log").read_text() == "2 writes were lost: the log could not be written.\nnext\n"


def test_process_that_cannot_be_launched_is_tried_again(checkout):
    attempts = []

    def fail_once():
        attempts.append(1)
        if len(attempts) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    command = python_command(checkout, "pass")
    spec = ProcessSpec(name="weak", command=command, environment=dict(os.environ), before_start=fail_once)
    with Supervisor(log=checkout / "taskflow.log", quiet=True) as supervisor:
        supervisor.start(spec)
        deadline = time.monotonic() + 20
        while len(attempts) < 3 and time.monotonic() < deadline:
            supervisor._tick(0.05)

    assert len(attempts) == 3
    assert "could not be started: No space left on device" in (checkout / "taskflow.log").read_text()


def test_logs_rotate_while_running(checkout, monkeypatch):
    monkeypatch.setattr(log_files, "MAX_LOG_BYTES", 1000)
    log = LogFile(checkout / "taskflow.log")
    for number in range(100):
        log.write(f"line {number:03} {'x' * 90}\n".encode())
    log.close()
    server_log = checkout / "server.log"
    server_log.write_text("y" * 2000)
    with server_log.open("ab", buffering=0) as appended:  # as a server that goes on writing
        log_files.truncate_log(server_log)
        appended.write(b"after\n")

    sizes = {path.name: path.stat().st_size for path in checkout.glob("*.log*")}
    assert sizes["taskflow.log"] <= 1200
    assert sizes["taskflow.log.1"] <= 1200
    assert (checkout / "taskflow.log").read_text().startswith("line ")
    assert (server_log.read_text(), sizes["server.log.1"]) == ("after\n", 2000)


def test_killed_process_is_restarted_within_a_second(checkout, launch):
    source = "import os, time; print('up', os.getpid(), flush=True); time.sleep(600)"
    names = ("relay", "worker", "web")
    launcher_process = launch(**{name: python_command(checkout, source) for name in names})
    for _ in names:
        pid = int(launcher_process.read_until("| up").split()[-1])
    for name in names:
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        launcher_process.read_until("stopped with signal SIGKILL")
        pid = int(launcher_process.read_until("| up").split()[-1])

        assert time.monotonic() - killed < (1 if name == names[0] else 3)


def test_niceness_reaches_the_children(checkout):
    source = "import os, subprocess, sys; subprocess.run([sys.executable, '-c', 'import os; print(os.nice(0))'])"
    spec = ProcessSpec(
        name="child", command=[sys.executable, "-c", f"import time; time.sleep(0.2); {source}"],
        environment=dict(os.environ), nice=6,
    )  # fmt: skip
    with Supervisor(log=checkout / "taskflow.log", quiet=True) as supervisor:
        supervisor.run_to_completion(spec, action="The child")

    assert (checkout / "taskflow.log").read_text() == f"child     | {os.nice(0) + 6}\n"


class FullDisk(io.BytesIO):
    def write(self, _lines):
        raise OSError(errno.ENOSPC, "No space left on device")

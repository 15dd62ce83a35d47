"""Ranks on two hosts: network namespaces with names of their own and a link between them. The bytes of
one rank; a link that goes down ends all with one sentence, and the run goes on to the same bytes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

from mpi import LIMIT_S, POLITE, finish, same
from untiled_app import main, metric_rows, results_of, write_settings, write_slide

STEPS = 4
SILENCE_S = 5


def missing():
    """Why there can be no second host here."""
    for program in ("ip", "unshare", "mpirun"):
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
            return f"no {program}"
    if os.geteuid() != 0:
        return "namespaces need root"
    trial = subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, check=False)
    return None if trial.returncode == 0 else "this machine allows no namespaces"


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


class TwoHosts:
    """Two namespaces, `near` and `far`, at 10.219.7.1 and .2."""

    SUBNET = "10.219.7"

    def __init__(self, folder):
        mark = os.getpid()
        self.names = [f"untiled{mark}a", f"untiled{mark}b"]
        self.links = [f"unt{mark}a", f"unt{mark}b"]
        self.agent = folder / "agent.sh"
        self.agent.write_text("#!/bin/sh\n"
                              "# Called as ssh is, with the host and then the command.\n"
                              "shift\n"
                              f"exec ip netns exec {self.names[1]} unshare --uts sh -c "
                              "'hostname far; eval \"$*\"' sh \"$@\"\n")
        self.agent.chmod(0o755)

    def __enter__(self):
        for name in self.names:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", self.links[0], "netns", self.names[0], "type", "veth", "peer", "name",
            self.links[1], "netns", self.names[1])
        for number, (name, link) in enumerate(zip(self.names, self.links), 1):
            run("ip", "-n", name, "addr", "add", f"{self.SUBNET}.{number}/24", "dev", link)
            run("ip", "-n", name, "link", "set", link, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        self.wait_for_link()
        return self

    def __exit__(self, *_):
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        for name in self.names:
            with contextlib.suppress(subprocess.CalledProcessError):
                run("ip", "netns", "del", name)

    def cut(self):
        run("ip", "-n", self.names[0], "link", "set", self.links[0], "down")

    def mend(self):
        run("ip", "-n", self.names[0], "link", "set", self.links[0], "up")
        self.wait_for_link()

    def wait_for_link(self):
        """Until the far host refuses a connection, for it can be reached then."""
        attempt = ("import socket\n"
                   f"try: socket.create_connection(('{self.SUBNET}.2', 9), 1)\n"
                   "except ConnectionRefusedError: print('refused')\n"
                   "except OSError: pass\n")
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            tried = subprocess.run(["ip", "netns", "exec", self.names[0], sys.executable, "-c", attempt],
                                   capture_output=True, text=True, check=False)
            if "refused" in tried.stdout:
                return
            time.sleep(0.2)
        raise AssertionError("the far host was never reached")

    def processes(self):
        """Those of both hosts."""
        return [word for name in self.names
                for word in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                                           check=False).stdout.split()]

    def start(self, app, *arguments):
        """Two ranks, one on each host."""
        subnet = f"{self.SUBNET}.0/24"
        environment = {**os.environ, **POLITE, "UNTILED_SILENCE_SECONDS": str(SILENCE_S),
                       "OMPI_MCA_plm_rsh_agent": str(self.agent), "OMPI_MCA_btl": "self,tcp",
                       "OMPI_MCA_btl_tcp_if_include": subnet, "OMPI_MCA_oob_tcp_if_include": subnet,
                       "OMPI_MCA_odls_base_sigkill_timeout": "1"}
        command = ["ip", "netns", "exec", self.names[0], "unshare", "--uts", "sh", "-c",
                   'hostname near; exec "$@"', "sh", "mpirun", "-n", "2", "--host",
                   f"{self.SUBNET}.1:1,{self.SUBNET}.2:1", "-x", "UNTILED_SILENCE_SECONDS",
                   *app.command(*arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment)


def check_cut(hosts, app, yaml, folder, findings):
    out = folder / "cut"
    process = hosts.start(app, "train", yaml, "--out", out, "--set", "train.steps=100000")
    end = time.monotonic() + LIMIT_S
    while metric_rows(out) < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    hosts.cut()
    began = time.monotonic()
    code, stderr = finish(process)
    seconds = time.monotonic() - began
    print(f"a dead link: exit {code} after {seconds:.1f} s")
    findings.expect(code in (-9, 137), f"a dead link: exit {code}")
    findings.expect(seconds < 60, f"a dead link: ended after {seconds:.0f} s")
    said = [line for line in stderr.splitlines() if line.startswith("error: ")]
    findings.expect(said and "rank" in said[0], f"a dead link: {stderr[-1500:]}")
    while hosts.processes() and time.monotonic() - began < 60:
        time.sleep(0.2)
    findings.expect(not hosts.processes(), "a dead link: processes are left on a host")
    hosts.mend()
    saved = metric_rows(out)
    code, stderr = finish(hosts.start(app, "train", yaml, "--out", out, "--resume", "--set",
                                      f"train.steps={saved + 2}"))
    findings.expect(code == 0, f"after a dead link: exit {code} {stderr[-800:]}")
    app.succeed("train", yaml, "--out", folder / "whole", "--set", f"train.steps={saved + 2}")
    same(out, results_of(folder / "whole"), findings, "after a dead link")


def check(app, folder, findings):
    reason = missing()
    if reason is not None:
        print(f"SKIPPED: {reason}")
        raise SystemExit(77)
    slide = folder / "slide.tif"
    write_slide(slide)
    yaml = write_settings(folder / "train.yaml", [slide], streaming={"tile": 64}, threads=1,
                          train={"steps": STEPS})
    app.succeed("train", yaml, "--out", folder / "alone")
    with TwoHosts(folder) as hosts:
        code, stderr = finish(hosts.start(app, "train", yaml, "--out", folder / "two"))
        findings.expect(code == 0, f"two hosts: exit {code} {stderr[-1500:]}")
        same(folder / "two", results_of(folder / "alone"), findings, "two hosts")
        check_cut(hosts, app, yaml, folder, findings)


main(check)

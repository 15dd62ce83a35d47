"""The job scripts under Slurm: daemons of its own on this machine, and the bytes of a run without it."""

import json
import os
import shutil
import socket
import subprocess
import time

from mpi import LIMIT_S, POLITE, same
from untiled_app import ROOT, main, outputs_of, results_of, write_settings, write_slide

STEPS = 4
CPUS = 4  # So many Slurm believes to have; ranks may share cores.
JOBS = ROOT / "scripts" / "slurm"


def missing():
    """Why Slurm cannot be started here."""
    for program in ("munged", "slurmctld", "slurmd", "sbatch", "mpirun"):
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin") is None:
            return f"no {program}"
    return None if os.geteuid() == 0 else "Slurm's daemons need root"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


CONFIGURATION = """
ClusterName=untiled
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/node.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/node.log
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A cluster of this machine alone."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self.configuration = folder / "slurm.conf"
        self.configuration.write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], controller_port=free_port(), node_port=free_port(),
            folder=folder, cpus=CPUS))
        self.environment = {**os.environ, **POLITE, "SLURM_CONF": str(self.configuration),
                            "PATH": os.environ["PATH"] + ":/usr/sbin"}
        self.daemons = []
        self.start("munged", "--foreground", "--force", f"--key-file={key}",
                   *(f"--{what}={folder}/munge.{end}" for what, end in
                     (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))))
        self.wait_for(lambda: (folder / "munge.socket").exists(), "munged")
        self.start("slurmctld", "-D", "-c", "-f", self.configuration)
        self.start("slurmd", "-D", "-c", "-f", self.configuration)
        self.wait_for(lambda: "idle" in self.run("sinfo", "-h", "-o", "%t").stdout, "slurmd")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            daemon.wait(timeout=30)

    def start(self, *command):
        log = (self.folder / f"{command[0]}.out").open("w")
        self.daemons.append(subprocess.Popen([str(word) for word in command], stdout=log, stderr=log,
                                             env=self.environment))

    def run(self, *command):
        return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              check=False, env=self.environment, timeout=LIMIT_S)

    def wait_for(self, holds, what):
        end = time.monotonic() + LIMIT_S
        while not holds():
            logs = "".join(f"{log.name}: {log.read_text()[-500:]}\n" for log in self.folder.glob("*.log"))
            assert time.monotonic() < end, f"waited for {what}\n{logs}"
            time.sleep(0.2)

    def submit(self, *job):
        """The job's number; what it prints goes to <number>.txt."""
        result = self.run("sbatch", "--parsable", "--mem-per-cpu=0", "-o", self.folder / "%j.txt", *job)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def printed(self, job):
        return "".join(path.read_text() for path in sorted(self.folder.glob(f"{job}*.txt")))

    def finish(self, job):
        """Its exit code, and what it printed."""
        self.wait_for(lambda: not self.run("squeue", "-h", "-j", job).stdout.strip(), f"job {job}")
        shown = self.run("scontrol", "-o", "show", "job", job).stdout
        codes = [word.split("=")[1] for word in shown.split() if word.startswith("ExitCode=")]
        return max(int(code.split(":")[0]) for code in codes), self.printed(job)


def check_training(slurm, yaml, folder, expected, findings):
    jobs = {
        "one node": ("--ntasks=2", "--cpus-per-task=1", JOBS / "train_one_node.sh"),
        "many nodes": ("--nodes=1", "--ntasks=1", JOBS / "train_many_nodes.sh"),
    }
    for what, job in jobs.items():
        run = folder / what.replace(" ", "_")
        code, printed = slurm.finish(slurm.submit(*job, yaml, "--out", run))
        findings.expect(code == 0, f"{what}: exit {code} {printed[-800:]}")
        same(run, expected, findings, what)
    summary = json.loads((folder / "one_node" / "summary.json").read_text())
    findings.expect(summary["ranks"] == 2, f"ranks of the job's tasks: {summary['ranks']}")


def check_stop(app, slurm, yaml, folder, findings):
    """Slurm's TERM before the time is up reaches the ranks, which save; the job goes on later to the
    bytes of a run that nobody stopped."""
    run = folder / "stopped"
    script = JOBS / "train_one_node.sh"
    job = slurm.submit("--ntasks=2", "--cpus-per-task=1", script, yaml, "--out", run,
                       "--set", "train.steps=100000")
    slurm.wait_for(lambda: (run / "checkpoints" / "last.state").exists(), "a checkpoint")
    asked = [line.split("=")[1] for line in script.read_text().splitlines()
             if line.startswith("#SBATCH --signal=")]
    # What `--signal` without B: does reaches steps of srun alone, and there are none.
    words = ["--batch"] if asked and asked[0].startswith("B:") else []
    slurm.run("scancel", *words, "--signal=TERM", job)
    code, printed = slurm.finish(job)
    findings.expect(code != 0, f"stopped: exit {code} {printed[-800:]}")
    saved = len((run / "metrics.csv").read_text().splitlines()) - 1
    resumed = slurm.submit("--ntasks=2", "--cpus-per-task=1", script, yaml, "--out", run, "--resume",
                           "--set", f"train.steps={saved + 2}")
    code, printed = slurm.finish(resumed)
    findings.expect(code == 0, f"resumed: exit {code} {printed[-800:]}")
    app.succeed("train", yaml, "--out", folder / "unstopped", "--set", f"train.steps={saved + 2}")
    same(run, results_of(folder / "unstopped"), findings, "stopped and resumed")


def check_array(app, slurm, folder, slides, findings):
    checkpoint = folder / "alone" / "checkpoints" / "last.safetensors"
    app.succeed("export", "--checkpoint", checkpoint, "--out", folder / "whole", *slides)
    job = slurm.submit("--array=1-2", "--cpus-per-task=1", JOBS / "export_array.sh", "--checkpoint",
                       checkpoint, "--out", folder / "array", *slides)
    code, printed = slurm.finish(job)
    findings.expect(code == 0, f"array: exit {code} {printed[-800:]}")
    whole, array = (outputs_of(folder / name) for name in ("whole", "array"))
    findings.expect(whole == array, f"array: {sorted(array)} are not {sorted(whole)}")


def check(app, scratch, findings):
    reason = missing()
    if reason is not None:
        print(f"SKIPPED: {reason}")
        raise SystemExit(77)
    slides = [scratch / f"s{i}.tif" for i in range(2)]
    for i, slide in enumerate(slides):
        write_slide(slide, seed=i)
    yaml = write_settings(scratch / "train.yaml", slides, train={"steps": STEPS})
    app.succeed("train", yaml, "--out", scratch / "alone", "--set", "threads=1")
    expected = results_of(scratch / "alone")
    os.environ["UNTILED"] = app.program
    with Slurm(scratch / "slurm") as slurm:
        check_training(slurm, yaml, scratch, expected, findings)
        check_stop(app, slurm, yaml, scratch, findings)
        check_array(app, slurm, scratch, slides, findings)


main(check)

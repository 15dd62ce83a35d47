"""Processes of MPI as ranks: sums, messages, and ends that all of them share, within seconds."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "app"))
from mpi import LIMIT_S, POLITE as SHARED  # noqa: E402

#: These processes have nothing to save: a launcher need not give them time before it ends them.
POLITE = {**SHARED, "OMPI_MCA_odls_base_sigkill_timeout": "1",
          "PRTE_MCA_odls_base_sigkill_timeout": "1"}
failed = []


def expect(holds, text):
    if not holds:
        failed.append(text)
        print(f"FAILED: {text}", flush=True)


class Launcher:
    """mpirun of Open MPI, or MPICH's."""

    def __init__(self, program, probe):
        self.program = program
        self.probe = probe
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        self.is_mpich = "HYDRA" in version.stdout

    def __call__(self, ranks, what, **variables):
        """Exit code, stdout, stderr and seconds."""
        begin = time.monotonic()
        result = subprocess.run([self.program, "-n", str(ranks), self.probe, what], text=True,
                                env={**os.environ, **POLITE, **variables}, timeout=LIMIT_S,
                                capture_output=True, check=False)
        return result.returncode, result.stdout, result.stderr, time.monotonic() - begin


def check_sums(launch):
    sums = set()
    for ranks in (2, 3, 4):
        code, out, err, _ = launch(ranks, "all")
        expect(code == 0, f"{ranks} ranks: exit {code}: {err[-500:]}")
        sums.add(out)
    expect(len(sums) == 1, f"one exact sum for any number of ranks: {sums}")


def check_ends(launch):
    code, _, err, seconds = launch(3, "throw")
    expect(code == 3, f"an exception on one rank: exit {code}: {err[-500:]}")
    expect(err.count("error: rank 2: slide.svs: tile 7 cannot be read\n") == 1, f"one sentence: {err}")
    expect(seconds < 10, f"an exception on one rank: {seconds:.0f} s")
    code, _, err, seconds = launch(3, "kill")
    # MPICH gives the signal's number, and says on stdout what ended, without its rank.
    expect(code == (9 if launch.is_mpich else 137), f"a killed rank: exit {code}: {err[-500:]}")
    expect(launch.is_mpich or "rank 2" in err, f"who was killed: {err}")
    expect(seconds < 10, f"a killed rank: {seconds:.0f} s")
    code, _, err, seconds = launch(3, "hang", UNTILED_SILENCE_SECONDS="3")
    expect(code == 1, f"a stopped rank: exit {code}: {err[-500:]}")
    expect("rank 2 was not heard of for 3 s" in err, f"who was silent: {err}")
    expect(seconds < 30, f"a stopped rank: {seconds:.0f} s")


def check_devices(launch, stand_ins):
    """Sums between devices: NCCL and a driver are stood in for; the watch over silent ranks is the same."""
    def launch_on(ranks, what, devices, **variables):
        return launch(ranks, what, LD_LIBRARY_PATH=stand_ins, UNTILED_STAND_IN_DEVICES=str(devices), **variables)

    code, out, err, _ = launch_on(3, "nccl", 3)
    expect(code == 0 and out == "NCCL 2.99.99\n", f"NCCL over processes: exit {code}: {out}{err[-500:]}")
    code, _, err, seconds = launch_on(3, "nccl throw", 3)
    expect(code == 3 and seconds < 10, f"an exception beside NCCL: exit {code}, {seconds:.0f} s: {err[-500:]}")
    expect(err.count("error: rank 2: slide.svs: tile 7 cannot be read\n") == 1, f"one sentence: {err}")
    code, _, err, seconds = launch_on(3, "nccl hang", 3, UNTILED_SILENCE_SECONDS="3")
    expect(code == 1 and seconds < 30, f"a rank stopped beside NCCL: exit {code}, {seconds:.0f} s: {err[-500:]}")
    expect("rank 2 was not heard of for 3 s" in err, f"who was silent: {err}")


def check_world_of_one(launch):
    """As when another MPI's mpirun has launched."""
    prefix = "OMPI_COMM_WORLD" if launch.is_mpich else "PMI"
    variables = {f"{prefix}_SIZE": "4", f"{prefix}_RANK": "0"}
    result = subprocess.run([launch.probe, "all"], capture_output=True, text=True, timeout=LIMIT_S,
                            env={**os.environ, **POLITE, **variables}, check=False)
    expect(result.returncode == 2, f"a world of one: exit {result.returncode}")
    expect(f"{prefix}_SIZE=4" in result.stderr and "1 rank" in result.stderr, result.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--mpirun", default="mpirun", help="of the MPI that the probe's library has")
    parser.add_argument("--stand-ins", required=True, help="folder of a driver and of NCCL that stand in")
    parser.add_argument("--untiled")
    arguments = parser.parse_args()
    if shutil.which(arguments.mpirun) is None:
        print(f"SKIPPED: {arguments.mpirun} is not installed")
        sys.exit(77)
    launch = Launcher(arguments.mpirun, arguments.probe)
    check_sums(launch)
    check_ends(launch)
    check_devices(launch, arguments.stand_ins)
    check_world_of_one(launch)
    sys.exit(1 if failed else 0)


main()

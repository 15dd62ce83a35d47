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
POLITE = {**SHARED, "OMPI_MCA_odls_base_sigkill_timeout": "1"}
failed = []


def expect(holds, text):
    if not holds:
        failed.append(text)
        print(f"FAILED: {text}", flush=True)


def launch(probe, ranks, what, **variables):
    """Exit code, stdout, stderr and seconds."""
    begin = time.monotonic()
    result = subprocess.run(["mpirun", "-n", str(ranks), probe, what], capture_output=True, text=True,
                            env={**os.environ, **POLITE, **variables}, timeout=LIMIT_S, check=False)
    return result.returncode, result.stdout, result.stderr, time.monotonic() - begin


def check_sums(probe):
    sums = set()
    for ranks in (2, 3, 4):
        code, out, err, _ = launch(probe, ranks, "all")
        expect(code == 0, f"{ranks} ranks: exit {code}: {err[-500:]}")
        sums.add(out)
    expect(len(sums) == 1, f"one exact sum for any number of ranks: {sums}")


def check_ends(probe):
    code, _, err, seconds = launch(probe, 3, "throw")
    expect(code == 3, f"an exception on one rank: exit {code}: {err[-500:]}")
    expect(err.count("error: rank 2: slide.svs: tile 7 cannot be read\n") == 1, f"one sentence: {err}")
    expect(seconds < 10, f"an exception on one rank: {seconds:.0f} s")
    code, _, err, seconds = launch(probe, 3, "kill")
    expect(code == 137, f"a killed rank: exit {code}: {err[-500:]}")
    expect("rank 2" in err, f"who was killed: {err}")
    expect(seconds < 10, f"a killed rank: {seconds:.0f} s")
    code, _, err, seconds = launch(probe, 3, "hang", UNTILED_SILENCE_SECONDS="3")
    expect(code == 1, f"a stopped rank: exit {code}: {err[-500:]}")
    expect("rank 2 was not heard of for 3 s" in err, f"who was silent: {err}")
    expect(seconds < 30, f"a stopped rank: {seconds:.0f} s")


def check_world_of_one(probe):
    """As when another MPI's mpirun has launched."""
    variables = {"PMI_SIZE": "4", "PMI_RANK": "0"}
    result = subprocess.run([probe, "all"], capture_output=True, text=True, timeout=LIMIT_S,
                            env={**os.environ, **POLITE, **variables}, check=False)
    expect(result.returncode == 2, f"a world of one: exit {result.returncode}")
    expect("PMI_SIZE=4" in result.stderr and "1 rank" in result.stderr, result.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--untiled")
    probe = parser.parse_args().probe
    if shutil.which("mpirun") is None:
        print("SKIPPED: mpirun is not installed")
        sys.exit(77)
    check_sums(probe)
    check_ends(probe)
    check_world_of_one(probe)
    sys.exit(1 if failed else 0)


main()

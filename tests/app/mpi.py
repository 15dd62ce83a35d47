"""What the checks of ranks share: what several of them need to run on a small machine, how they end."""

import subprocess

from untiled_app import files_of, results_of

#: Ranks may share cores politely, and are given time to save, which Open MPI 4 waits in full before
#: it ends them; a test may run as root.
POLITE = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_odls_base_sigkill_timeout": "4",
    "PRTE_MCA_odls_base_sigkill_timeout": "4",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_ALLOW_RUN_AS_ROOT": "1",
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
LIMIT_S = 120


def finish(process):
    """Exit code and stderr."""
    try:
        _, stderr = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, stderr


def same(run, expected, findings, what):
    """The results of a run folder are `expected`, byte for byte, and nothing is half-written."""
    found = results_of(run)
    changed = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
    findings.expect(not changed, f"{what}: {changed} differ from one rank's")
    left = [n for n in files_of(run) if n.endswith((".part", ".tmp"))]
    findings.expect(not left, f"{what} left {left}")

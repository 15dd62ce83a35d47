"""What the scripts of the studies share: the program and its processor time, cohorts, and work that is kept."""

import csv
import json
import pathlib
import resource
import shutil
import subprocess


class Program:
    """Runs untiled, one process at a time, and writes each command into a log."""

    def __init__(self, path, threads, log):
        self.path, self.threads, self.log = str(path), threads, log

    def run(self, *arguments):
        """What it prints, and the seconds of processors that it took: other work on the machine does not count."""
        command = [self.path, *map(str, arguments)]
        self.log.write(" ".join(command) + "\n")
        self.log.flush()
        before = processor_seconds()
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"{' '.join(command)}\n{result.stderr}")
        return result.stdout, processor_seconds() - before

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json")[0])

    def train(self, config, folder, settings):
        """The run's summary with `processor_seconds` of the whole process. What a stopped run left is removed first."""
        shutil.rmtree(folder, ignore_errors=True)
        changes = {"threads": self.threads, **settings}
        _, seconds = self.run("train", config, "--out", folder, *(part for name, value in changes.items()
                                                                  for part in ("--set", f"{name}={value}")))
        return {**json.loads((folder / "summary.json").read_text(encoding="utf-8")), "processor_seconds": seconds}

    def judge(self, folder, manifest):
        """Scores of the run's last weights on the manifest's test slides; by group where it has groups."""
        report = self.json("evaluate", "--checkpoint", folder / "checkpoints" / "last.safetensors", "--manifest",
                           manifest, "--split", "test")
        return report.get("groups", report)


def make_cohort(program, slides, seed, folder, *options):
    """Rows slide, label of a new cohort; `folder` is kept where it is there already."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        program.run("synth", "--cohort", slides, *options, "--seed", seed, "--threads", program.threads, "--out",
                    folder)
    with open(manifest, newline="", encoding="utf-8") as file:
        return [(row["slide"], row["label"]) for row in csv.DictReader(file)]


def write_manifest(path, rows, split, regions=("",)):
    """All slides, or these regions of each, in one split; what is of one slide is a group."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["slide", "label", "split", "group", "region"])
        for slide, label in rows:
            for region in regions:
                writer.writerow([slide, label, split, f"{split}-{slide}", region])
    return path


def processor_seconds():
    """Of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def kept(path, make, *arguments):
    """What make(*arguments) gave when the file was written, now or in a run before this one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(make(*arguments), indent=1) + "\n", encoding="utf-8")
        part.rename(path)
    return json.loads(path.read_text(encoding="utf-8"))


def same_study(out, facts):
    """Ends the program where the folder has results of other options."""
    out.mkdir(parents=True, exist_ok=True)
    facts = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in facts.items()}
    before = kept(out / "options.json", dict, facts)
    changed = [name for name, value in json.loads(json.dumps(facts)).items() if before.get(name) != value]
    if changed:
        raise SystemExit(f"{out} has results of another study ({', '.join(changed)}): give the options of "
                         f"{out / 'options.json'}, or another folder")

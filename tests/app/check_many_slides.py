"""5,000 slides, links to one, are planned in 200 MiB above what the program takes for two; prints the time."""

import os
import resource
import time

from untiled_app import main, write_settings, write_slide

SLIDES = 5000
MOST_BYTES = 200 << 20


def peak_bytes_of(app, *arguments):
    """Peak of the largest child so far: call it with growing needs."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    result = app.run(*arguments)
    assert result.returncode == 0, result.stderr
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return end.ru_maxrss * 1024, cpu, time.monotonic() - started, result.stderr


def check(app, folder, findings):
    slide = folder / "slide.tif"
    write_slide(slide, 300, 280)
    slides = folder / "slides"
    slides.mkdir()
    lines = ["slide,split"]
    for i in range(SLIDES):
        os.link(slide, slides / f"s{i:04}.tif")
        lines.append(f"slides/s{i:04}.tif,{'val' if i % 5 == 0 else 'train'}")
    (folder / "one.csv").write_text("\n".join(lines[:3]) + "\n")
    (folder / "all.csv").write_text("\n".join(lines) + "\n")
    peaks = {}
    for name in ("one", "all"):
        yaml = write_settings(folder / f"{name}.yaml", [],
                              data={"manifest": str(folder / f"{name}.csv"), "slides": []})
        peaks[name], cpu, wall, said = peak_bytes_of(app, "plan", yaml, "--json")
        findings.expect(said.count("is the same slide as") == 1 and "which is in another split" in said
                        and "both a training" not in said, f"links to one slide: {said[-500:]}")
        print(f"plan of {name}: {peaks[name] >> 20} MiB, {cpu:.1f} s of CPU, {wall:.1f} s")
    lists = write_settings(folder / "lists.yaml", [], data={"slides": [f"{slides}/s000*.tif"],
                                                            "validation": [f"{slides}/s00[01]0.tif"]})
    said = app.run("plan", lists).stderr
    findings.expect(said.count("is both a training and a validation slide") == 1 and "; 2 slides are" in said,
                    f"slides in both lists: {said[-500:]}")
    more = peaks["all"] - peaks["one"]
    findings.expect(more < MOST_BYTES, f"{SLIDES} slides take {more >> 20} MiB more than two")


main(check)

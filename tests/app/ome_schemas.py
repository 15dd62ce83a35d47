"""The JSON schemas of the OME-Zarr specification, in their strict form, as judges of what we write.
They come with ngff-zarr, which is only read, never imported: it would want packages that no test uses."""

import importlib.util
import json
from pathlib import Path

import jsonschema
from referencing import Registry, Resource


def schemas_folder():
    package = importlib.util.find_spec("ngff_zarr")
    if package is None:
        raise ImportError("no ngff-zarr, which brings the schemas of OME-Zarr")
    return Path(package.submodule_search_locations[0]) / "spec"


SPECIFICATIONS = schemas_folder()


def validators(version):
    """Name -> validator of every schema of a version."""
    schemas = {path.stem: json.loads(path.read_text())
               for path in (SPECIFICATIONS / version / "schemas").glob("*.schema")}
    # strict_*.schema name no dialect; what they extend does.
    dialect = schemas["image"]["$schema"]
    resources = [Resource.from_contents({"$schema": dialect} | s) for s in schemas.values()]
    registry = Registry().with_resources((r.id(), r) for r in resources)
    return {name: jsonschema.Draft202012Validator(schema, registry=registry)
            for name, schema in schemas.items()}


VALIDATORS = {version: validators(version) for version in ("0.4", "0.5")}


def faults_of(attributes, version):
    """Sentences on what a group's attributes break; none where they are as they should be."""
    ome = attributes.get("ome", attributes)
    kinds = ["strict_image"] + (["strict_label"] if "image-label" in ome else [])
    return [f"{kind} {version}, {error.json_path}: {error.message}" for kind in kinds
            for error in VALIDATORS[version][kind].iter_errors(attributes)]


def schema_faults(folder):
    """The same of an image's folder."""
    folder = Path(folder)
    if (folder / "zarr.json").exists():
        attributes, version = json.loads((folder / "zarr.json").read_text())["attributes"], "0.5"
    else:
        attributes, version = json.loads((folder / ".zattrs").read_text()), "0.4"
    return [f"{folder}: {fault}" for fault in faults_of(attributes, version)]

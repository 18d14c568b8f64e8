"""Static files: hashed names, compressed, imports inside ES modules rewritten."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites `import … from "./x.js";` as well; only lines that end in a semicolon are seen."""

    support_js_module_import_aggregation = True
    manifest_strict = False

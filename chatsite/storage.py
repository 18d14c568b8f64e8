"""Static files: hashed names, compressed, imports inside our own ES modules rewritten."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites `import … from "./x.js";` as well; only lines that end in a semicolon are seen."""

    support_js_module_import_aggregation = True
    # other people's scripts may import by bare names, which are no files
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        HashedFilesMixin._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )
    manifest_strict = False

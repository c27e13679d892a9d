"""docs/guide/dp.md is what happens: its commands run as they stand there. The noise is fresh, so output is compared by shape: words
and their order, with every number made the same."""
import re
import shlex
import shutil
import subprocess
import sys

import support
from channel_guide_test import steps
from private import PrivateCase


def shape(text, home):
    text = text.replace(str(home), "HOME").replace("/home/alice/work", "HOME").replace("/home/alice", "HOME")
    text = re.sub(r"\b[0-9a-f]{32,64}\b", "DIGEST", text)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d( UTC)?)?", "TIME", text)
    text = re.sub(r"-?\b\d[\d,]*(\.\d+)?(e[-+]?\d+)?\b", "N", text)
    text = text.replace("N +N", "N")  # an interval whose sides differ, which chance decides
    text = re.sub(r"-{2,}", "--", text)
    return re.sub(r"[ \t]+", " ", text).strip()


class Guide(PrivateCase):
    def test_the_page_is_what_happens(self):
        for name in ("visits.csv", "clinics.csv", "schemas/visits.json"):
            shutil.copy(support.SOURCE / "examples" / name, self.dir)
        page = (support.SOURCE / "docs/guide/dp.md").read_text(encoding="utf-8")
        ran = 0
        for command, wanted in steps(page):
            run = re.sub(r"^prism\b", shlex.quote(str(support.PROGRAM)), command)
            ended = subprocess.run(["bash", "-c", run], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=self.environment(), cwd=self.dir, timeout=240, check=False)
            said = ended.stdout.decode("utf-8", "replace")
            self.assertEqual(shape(said, self.dir), shape(wanted, self.dir), f"{command}\nstatus {ended.returncode}\n{said}")
            ran += 1
        self.assertGreater(ran, 8, "the page has lost its commands")

    def test_the_schema_on_the_page_is_the_example(self):
        page = (support.SOURCE / "docs/guide/dp.md").read_text(encoding="utf-8")
        for name in ("patients", "visits"):
            self.assertIn((support.SOURCE / f"examples/schemas/{name}.json").read_text(encoding="utf-8").strip(), page)

    def test_the_visits_are_what_their_script_writes(self):
        written = subprocess.run([sys.executable, str(support.SOURCE / "examples/make_visits.py")], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(written, (support.SOURCE / "examples/visits.csv").read_bytes())

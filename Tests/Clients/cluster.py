"""A cluster of this machine for tests of clients: started by `moiety serve`, gone at the end."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.environ.get("PROGRAMS", os.path.join(TOP, ".build", "release"))
MODEL = os.environ.get("MODEL", os.path.join(TOP, "Models", "moiety-demo-q8_0.gguf"))
FIXTURES = os.path.join(TOP, "Tests", "APITests", "Fixtures")
START_LIMIT = 120
# The demo model has no chat template of its own.
TEMPLATE = """
{%- if tools %}{{ (tools | tojson) + '\n' }}{% endif -%}
{%- for message in messages -%}{{ '<' + message.role + '>' + (message.content or '') }}
{%- for call in message.tool_calls or [] -%}
{{ '<tool_call>' + (call.function | tojson) + '</tool_call>' }}
{%- endfor %}
{% endfor -%}<assistant>
"""


class Cluster:
    """`with Cluster() as cluster:` gives its addresses, `cluster.url` and `cluster.client`."""

    def __init__(self, keys=None, template=None, model=MODEL, tls=False, memory=None, **settings):
        self.directory = tempfile.TemporaryDirectory(prefix="moiety-clients.")
        # What the workers may take together; experts are packed in a cache of their own then.
        self.options = []
        if memory:
            cache = os.path.join(self.directory.name, "cache")
            self.options = ["--memory", memory, "--cache-directory", cache]
        self.settings = dict(settings)
        self.model = model
        if keys:
            self.settings["api_keys"] = self._file("keys", "\n".join(keys) + "\n")
        # What clients of ours trust.
        self.trust = None
        if tls:
            self.settings["tls_certificate"] = os.path.join(FIXTURES, "localhost.crt")
            with open(os.path.join(FIXTURES, "localhost.key")) as key:
                self.settings["tls_key"] = self._file("tls.key", key.read())
            self.trust = ssl.create_default_context(cafile=self.settings["tls_certificate"])
        if template:
            self.settings["chat_template"] = self._file("template.jinja", template)

    def _file(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def __enter__(self):
        self.log = open(os.path.join(self.directory.name, "log"), "w+")
        return self._start()

    def _start(self):
        state = os.path.join(self.directory.name, "state")
        environment = dict(os.environ)
        for name, value in self.settings.items():
            environment["MOIETY_COORDINATOR_" + name.upper()] = str(value)
        self.process = subprocess.Popen(
            [
                os.path.join(PROGRAMS, "moiety"), "serve", "-m", self.model, "--state", state,
                "--port", "0", "--worker-endpoint", "tcp://127.0.0.1:0",
                "--client-endpoint", "tcp://127.0.0.1:0", *self.options,
            ],
            env=environment, stdout=self.log, stderr=self.log,
        )
        try:
            self.url = self._wait(lambda: open(os.path.join(state, "http-endpoint")).read().strip())
            self._wait(lambda: self.get("/readyz"))
            with open(os.path.join(state, "client-endpoint")) as file:
                self.client = file.read().strip()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._stop()
        finally:
            self.log.close()
            self.directory.cleanup()

    def _stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the cluster did not stop within 30 s") from None

    def restart(self):
        """Stops all of it, and starts it again with what its state directory remembers."""
        self._stop()
        self._start()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30, context=self.trust) as answer:
            return answer.read().decode()

    def json(self, path):
        return json.loads(self.get(path))

    def metric(self, name):
        """The sum of a metric's lines."""
        lines = [line for line in self.get("/metrics").splitlines()
                 if line.startswith((f"moiety_{name}{{", f"moiety_{name} "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def coordinator(self):
        """The process id of the coordinator."""
        return self._child(lambda arguments: "moiety-coordinator" in arguments[0])

    def kill_worker(self, name):
        """With -9; `moiety serve` starts it again after a second."""
        os.kill(self._child(lambda arguments: name in arguments), signal.SIGKILL)

    def _child(self, is_wanted):
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/children") as file:
                for child in file.read().split():
                    # One that was killed may be gone by now.
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        with open(f"/proc/{child}/cmdline") as line:
                            arguments = line.read().split("\0")
                        if is_wanted(arguments):
                            return int(child)
        raise AssertionError("there is no such process")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.coordinator()}/fd"))

    def memory(self):
        """KiB resident in the coordinator."""
        with open(f"/proc/{self.coordinator()}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def _wait(self, attempt):
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                return attempt()
            except (OSError, ValueError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.seek(0)
                    raise AssertionError("the cluster did not start:\n" + self.log.read()) from None
                time.sleep(0.1)


def wait_until(is_true, what, limit=60):
    """Asks again and again until it is true."""
    deadline = time.monotonic() + limit
    while not is_true():
        assert time.monotonic() < deadline, f"not within {limit} s: {what}"
        time.sleep(0.1)

/// The live page's script: reads `/events` and draws what it says.
///
/// Text from the server is only ever set as text, so that no name or answer can be markup.
enum PageScript {
    static let text = #"""
        "use strict";

        const find = id => document.getElementById(id);
        let key = "";

        // Events of a response, one after another. Not an EventSource: that cannot send a key.
        async function* events(path, options = {}) {
          const headers = { ...(options.headers || {}) };
          if (key) headers["Authorization"] = "Bearer " + key;
          const response = await fetch(path, { ...options, headers });
          if (response.status === 401) find("key-form").hidden = false;
          if (!response.ok) {
            const body = await response.json().catch(() => null);
            throw new Error(body ? body.error.message : "HTTP " + response.status);
          }
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let held = "";
          for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            held += value;
            let end;
            while ((end = held.indexOf("\n\n")) >= 0) {
              const event = held.slice(0, end);
              held = held.slice(end + 2);
              if (event.startsWith("data: ")) yield event.slice(6);
            }
          }
        }

        function row(cells, className) {
          const tr = document.createElement("tr");
          for (const [text, name] of cells) {
            const td = document.createElement("td");
            td.textContent = text;
            if (name) td.className = name;
            tr.append(td);
          }
          if (className) tr.className = className;
          return tr;
        }

        function bytes(count) {
          const units = ["B", "kB", "MB", "GB", "TB"];
          let unit = 0;
          while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit += 1; }
          return (unit && count < 10 ? count.toFixed(1) : Math.round(count)) + " " + units[unit];
        }

        function time(seconds) {
          if (seconds === null) return "–";
          if (seconds < 0.001) return Math.round(seconds * 1e6) + " µs";
          if (seconds < 1) return Math.round(seconds * 1000) + " ms";
          return seconds < 120 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
        }

        let before = null;

        function drawFigures(now) {
          find("model").textContent = now.title;
          const state = find("state");
          state.textContent = now.text;
          state.dataset.state = now.ready ? "ready" : "waiting";
          find("running").textContent = now.running;
          find("waiting").textContent = now.waiting;
          find("epoch").textContent = now.epoch === null ? "–" : now.epoch;
          find("imbalance").textContent = now.imbalance === null ? "–" : now.imbalance.toFixed(2);
          find("build").textContent = now.build;
          if (before && now.clock > before.clock) {
            const rate = (now.generated - before.generated) / (now.clock - before.clock);
            find("rate").textContent = rate < 10 ? rate.toFixed(1) : Math.round(rate);
          }
          before = now;
        }

        function drawWorkers(workers) {
          find("workers").replaceChildren(...workers.map(worker => {
            const loading = worker.total > worker.loaded
              ? " " + Math.floor(100 * worker.loaded / worker.total) + " %" : "";
            const silent = worker.state === "ready" && worker.silence > 2
              ? ", silent for " + time(worker.silence) : "";
            return row([
              [worker.name], [worker.state + loading + silent, worker.state], [worker.experts],
              [bytes(worker.resident) + " of "
                + bytes(worker.stored ? worker.stored.budget : worker.memory)],
              [time(worker.round_trip)], [worker.rows.toLocaleString()], [worker.life],
            ]);
          }));
        }

        const share = (part, whole) => whole > 0 ? Math.round(100 * part / whole) + " %" : "–";

        // How often experts were there, by tier where there are two.
        function found(worker) {
          const { stored, lossy } = worker;
          if (!lossy) return share(stored.hits, stored.uses);
          return stored.tiers.map(({ tier, hits, uses }) => {
            const isAlways = tier === "low" && lossy.mode === "resident";
            return tier + " " + (isAlways ? "always" : share(hits, uses));
          }).join(", ");
        }

        function drawInexact(inexact) {
          const percent = part => (100 * part).toFixed(1) + " %";
          find("inexact").hidden = inexact === null;
          if (inexact !== null) {
            find("inexact").textContent = "Not exact since the coordinator started: "
              + percent(inexact.low) + " of experts' uses in few bits, "
              + percent(inexact.skipped) + " left out.";
          }
        }

        // What experts on disk cost since the worker started, and in brackets since the last look.
        function drawStored(now, last) {
          const workers = now.workers.filter(worker => worker.stored);
          find("disk").hidden = workers.length === 0;
          find("stored").replaceChildren(...workers.map(worker => {
            const stored = worker.stored;
            const same = last && now.clock > last.clock && last.workers.find(
              other => other.name === worker.name && other.life === worker.life && other.stored
            );
            const seconds = same ? now.clock - last.clock : 0;
            const read = same ? Math.max(0, stored.read - same.stored.read) : 0;
            const stalled = same ? Math.max(0, stored.stalled - same.stored.stalled) : 0;
            const lossy = worker.lossy;
            const how = lossy ? " (" + lossy.mode + " " + (lossy.tier || "") + ")" : "";
            return row([
              [worker.name + how], [bytes(worker.resident) + " of " + bytes(stored.budget)],
              [found(worker)],
              [bytes(stored.read) + (read ? " (" + bytes(read / seconds) + "/s)" : "")],
              [time(stored.stalled)
                + (stalled ? " (" + share(Math.min(stalled, seconds), seconds) + ")" : "")],
              [share(stored.right, stored.guesses)],
            ]);
          }));
        }

        // One column for each layer, one row for each worker.
        function drawHeat(heat) {
          const grid = find("heat");
          const layers = heat.length ? heat[0].cells.length : 0;
          grid.style.gridTemplateColumns = "max-content repeat(" + layers + ", 14px)";
          const most = Math.max(1e-9, ...heat.flatMap(line => line.cells.map(cell => cell[3])));
          grid.replaceChildren(...heat.flatMap(line => {
            const name = document.createElement("div");
            name.className = "name";
            name.textContent = line.worker;
            return [name, ...line.cells.map(([count, copies, shards, load], layer) => {
              const cell = document.createElement("div");
              cell.className = "cell" + (shards ? " shards" : copies ? " copies" : "");
              const shade = count ? 0.08 + 0.92 * load / most : 0;
              cell.style.backgroundColor = "rgba(var(--heat), " + shade.toFixed(3) + ")";
              cell.title = line.worker + ", layer " + layer + ": " + count
                + (count === 1 ? " expert" : " experts")
                + (copies ? ", " + copies + " of them copies" : "")
                + (shards ? ", " + shards + " of them shards" : "");
              return cell;
            })];
          }));
        }

        function drawBalance(balance) {
          find("balance").textContent = balance;
        }

        function drawJobs(jobs) {
          find("jobs").replaceChildren(...jobs.map(job => row([
            [job.id], [job.state, job.state], [job.task || ""], [job.prompt], [job.generated],
          ])));
        }

        async function watch() {
          for (;;) {
            try {
              for await (const event of events("/events")) {
                const now = JSON.parse(event);
                drawStored(now, before);
                drawInexact(now.inexact);
                drawFigures(now);
                drawWorkers(now.workers);
                drawHeat(now.heat);
                drawBalance(now.balance);
                drawJobs(now.jobs);
              }
            } catch (error) {
              find("state").textContent = error.message;
            }
            find("state").dataset.state = "lost";
            before = null;
            await new Promise(resolve => setTimeout(resolve, 1000));
          }
        }

        let running = null;

        async function ask(event) {
          event.preventDefault();
          if (running) return;
          running = new AbortController();
          const answer = find("answer");
          answer.textContent = "";
          answer.className = "";
          find("send").hidden = true;
          find("stop").hidden = false;
          try {
            const body = JSON.stringify({
              prompt: find("prompt").value, max_tokens: Number(find("tokens").value),
              temperature: Number(find("temperature").value), stream: true,
            });
            const options = {
              method: "POST", body, signal: running.signal,
              headers: { "Content-Type": "application/json" },
            };
            for await (const event of events("/v1/completions", options)) {
              if (event === "[DONE]") break;
              const piece = JSON.parse(event);
              if (piece.error) throw new Error(piece.error.message);
              for (const choice of piece.choices) answer.textContent += choice.text;
            }
          } catch (error) {
            if (error.name !== "AbortError") {
              answer.textContent += "\n" + error.message;
              answer.className = "failed";
            }
          }
          running = null;
          find("send").hidden = false;
          find("stop").hidden = true;
        }

        find("prompt-form").addEventListener("submit", ask);
        find("stop").addEventListener("click", () => running && running.abort());
        find("key-form").addEventListener("submit", event => {
          event.preventDefault();
          key = find("key").value;
          find("key-form").hidden = true;
        });
        watch();
        """#
}

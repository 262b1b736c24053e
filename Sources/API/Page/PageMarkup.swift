/// The live page's skeleton; `PageScript` fills it.
enum PageMarkup {
    static let text = #"""
        <!doctype html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <meta name="color-scheme" content="light dark">
          <title>Moiety</title>
          <link rel="icon" href="data:,">
          <link rel="stylesheet" href="/page.css">
          <script src="/page.js" defer></script>
        </head>
        <body>
          <header>
            <h1>Moiety</h1>
            <p id="model"></p>
            <p id="state" role="status" data-state="lost">connecting</p>
          </header>
          <main>
            <form id="key-form" hidden>
              <label>API key <input id="key" type="password" autocomplete="off"></label>
              <button>Use</button>
            </form>
            <section class="figures" aria-label="Figures">
              <div><b id="rate">0</b><span>tokens/s</span></div>
              <div><b id="running">0</b><span>running</span></div>
              <div><b id="waiting">0</b><span>waiting</span></div>
              <div><b id="imbalance">–</b><span>busiest : mean</span></div>
              <div><b id="epoch">–</b><span>plan</span></div>
            </section>
            <section>
              <h2>Workers</h2>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th>name</th><th>state</th><th>experts</th><th>memory</th><th>link</th>
                      <th>rows</th><th>life</th>
                    </tr>
                  </thead>
                  <tbody id="workers"></tbody>
                </table>
              </div>
            </section>
            <section id="disk" hidden>
              <h2>Experts on disk</h2>
              <p class="hint">Workers with a memory budget: how often experts were in memory when
                they were chosen, in high precision (as in the file) and in low, and how often it
                was known before that they would be.</p>
              <p id="inexact" class="hint" hidden></p>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th>name</th><th>memory</th><th>found there</th><th>read</th>
                      <th>waited for disk</th><th>guessed right</th>
                    </tr>
                  </thead>
                  <tbody id="stored"></tbody>
                </table>
              </div>
            </section>
            <section>
              <h2>Experts</h2>
              <p class="hint">Each square: what one worker holds of one layer; the darker, the more
                rows it was asked to compute lately. <span class="mark">copies</span>
                <span class="mark shards">shards</span></p>
              <div class="scroll">
                <div id="heat" role="img" aria-label="Load of experts"></div>
              </div>
              <p id="balance" class="hint"></p>
            </section>
            <section>
              <h2>Try it</h2>
              <form id="prompt-form">
                <textarea id="prompt" rows="3" aria-label="Prompt" required></textarea>
                <div class="row">
                  <label>tokens
                    <input id="tokens" type="number" min="1" max="4096" value="64">
                  </label>
                  <label>temperature
                    <input id="temperature" type="number" min="0" max="2" step="0.1" value="0.8">
                  </label>
                  <button id="send">Send</button>
                  <button id="stop" type="button" hidden>Stop</button>
                </div>
              </form>
              <pre id="answer" aria-live="polite"></pre>
            </section>
            <section>
              <h2>Jobs</h2>
              <div class="scroll">
                <table>
                  <thead>
                    <tr><th>job</th><th>state</th><th>task</th><th>prompt</th><th>answer</th></tr>
                  </thead>
                  <tbody id="jobs"></tbody>
                </table>
              </div>
            </section>
          </main>
          <footer id="build"></footer>
        </body>
        </html>
        """#
}

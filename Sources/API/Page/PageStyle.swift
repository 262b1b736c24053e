/// The live page's looks: one column, light or dark as the reader's system is.
enum PageStyle {
    static let text = #"""
        :root {
          --paper: #fbfaf7; --ink: #1d1d1b; --faint: #6b6a65; --line: #dedbd2; --card: #ffffff;
          --heat: 196, 74, 30; --good: #2c7a3f; --bad: #b3261e; --wait: #9a6700;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #161614; --ink: #ecebe6; --faint: #9d9b93; --line: #34332f; --card: #1f1f1c;
            --heat: 255, 140, 82; --good: #6fce85; --bad: #ff8a80; --wait: #e3b341;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--paper);
          color: var(--ink); font: 16px/1.45 system-ui, sans-serif;
        }
        header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
        h1 { font-size: 1.4rem; margin: 0; }
        h2 { font-size: 1rem; margin: 0 0 .5rem; }
        header p { margin: 0; }
        #model { color: var(--faint); }
        #state { margin-left: auto; font-weight: 600; color: var(--bad); }
        #state[data-state=ready] { color: var(--good); }
        #state[data-state=waiting] { color: var(--wait); }
        section, #key-form {
          margin-top: 1rem; padding: 1rem; background: var(--card);
          border: 1px solid var(--line); border-radius: .5rem;
        }
        .figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; }
        .figures div { display: flex; flex-direction: column; min-width: 5rem; }
        .figures b { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
        .figures span, .hint, footer { color: var(--faint); font-size: .85rem; }
        .hint { margin: 0 0 .5rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { padding: .25rem .75rem .25rem 0; text-align: left; white-space: nowrap; }
        th { color: var(--faint); font-weight: 500; font-size: .85rem; }
        tbody tr { border-top: 1px solid var(--line); }
        td.ready, td.completed { color: var(--good); }
        td.lost, td.failed, td.left { color: var(--bad); }
        td.loading, td.suspect, td.running, td.queued { color: var(--wait); }
        #heat { display: grid; gap: 2px; width: max-content; }
        #heat .name { padding-right: .5rem; font-size: .85rem; white-space: nowrap; }
        #heat .cell {
          width: 14px; height: 22px; border-radius: 2px; border: 1px solid var(--line);
        }
        #heat .cell.copies, .mark { border-bottom: 3px solid var(--ink); }
        #heat .cell.shards, .mark.shards { border-bottom: 3px dotted var(--ink); }
        textarea, input, button {
          font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
          border-radius: .35rem; padding: .4rem .6rem;
        }
        textarea { width: 100%; resize: vertical; }
        input[type=number] { width: 5.5rem; }
        .row {
          display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-top: .5rem;
        }
        button { cursor: pointer; background: var(--ink); color: var(--paper); }
        #answer {
          white-space: pre-wrap; overflow-wrap: anywhere; margin: .75rem 0 0; min-height: 1.5em;
        }
        #answer.failed { color: var(--bad); }
        footer { margin: 1rem 0; }
        """#
}

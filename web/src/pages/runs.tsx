import { useMemo, useState } from "preact/hooks";
import type { CommandView, JobLine, RunLine, StudyLine } from "../api";
import { post, useAsked, useHome } from "../net";
import { Busy, Choice, Command, Empty, Link, Page, Status, Trouble } from "../parts";
import { go, useRoute } from "../route";
import { Table, type Column } from "../table";
import { number, power, quantity } from "../words";
import { RunCharts } from "./charts";

const columns: Column<RunLine>[] = [
    { key: "name", title: "run", of: r => r.name, show: r => <Link to={`/run/${r.name}`}>{r.name}</Link>, width: "14rem" },
    { key: "status", title: "status", of: r => r.status, show: r => <Status of={r.status} />, width: "6rem" },
    { key: "step", title: "steps", of: r => r.step, width: "8rem", show: r => <>{r.status === "running" && r.steps > 0 &&
        <progress aria-label={`${r.name}: steps done`} max={r.steps} value={r.step} />} {r.step.toLocaleString("en")}{r.steps > r.step && <> / {r.steps.toLocaleString("en")}</>}</> },
    { key: "valid", title: "held-out loss", of: r => r.valid_loss ?? Infinity, show: r => number(r.valid_loss), width: "6rem" },
    { key: "loss", title: "loss", of: r => r.loss ?? Infinity, show: r => number(r.loss), width: "5rem" },
    { key: "params", title: "parameters", of: r => r.parameters, show: r => quantity(r.parameters), width: "6rem" },
    { key: "tokens", title: "tokens", of: r => r.tokens, show: r => quantity(r.tokens), width: "5rem" },
    { key: "flops", title: "FLOPs", of: r => r.flops, show: r => power(r.flops), width: "5rem" },
    { key: "speed", title: "tokens/s", of: r => r.tokens_per_second ?? 0, show: r => quantity(r.tokens_per_second), width: "5rem" },
    { key: "peak", title: "of peak", of: r => r.peak_share ?? 0, show: r => (r.peak_share === null ? "–" : `${(100 * r.peak_share).toFixed(0)} %`), width: "4rem" },
    { key: "corpus", title: "corpus", of: r => r.corpus, width: "6rem" },
    { key: "created", title: "begun", of: r => r.created, show: r => r.created.slice(0, 16).replace("T", " "), width: "9rem" },
];

/** One study. */
function Study(props: { of: StudyLine; chosen: boolean; onChoose: () => void }) {
    const s = props.of, { canStart } = useHome(), [trouble, set] = useState("");
    return (
        <article class="card study">
            <h2><Link to={`/laws/${s.name}`}>{s.name}</Link></h2>
            {s.problem ? <Trouble text={s.problem} /> : <p>{s.low !== null ? `${power(s.low)}${s.high !== s.low ? ` to ${power(s.high)}` : ""} FLOPs on ` : "on "}{s.corpus}</p>}
            <div class="row middle"><Status of={s.running ? "running" : s.done >= s.runs && s.runs > 0 ? "done" : "stopped"} />
                <span>{s.done} of {s.runs} runs</span>{s.runs > 0 && <progress aria-label={`${s.name}: runs done`} max={s.runs} value={s.done} />}</div>
            {s.best !== null && <p>best held-out loss {number(s.best)}</p>}
            <div class="row">
                <button type="button" class="quiet" aria-pressed={props.chosen} onClick={props.onChoose}>{props.chosen && "✓ "}only its runs below</button>
                {canStart && !s.running && s.done < s.runs && <button type="button" class="quiet" onClick={() =>
                    void post<JobLine>("/api/jobs", { verb: "continue", name: s.name, settings: null }).then(() => set(""), (e: Error) => set(e.message))}>go on</button>}
            </div>
            {trouble && <Trouble text={trouble} />}
        </article>
    );
}

/** What this page started. */
export function Jobs(props: { of: readonly JobLine[] }) {
    if (props.of.length === 0) return null;
    return (
        <section class="card"><h2>Started from here</h2>
            {props.of.slice(0, 6).map(j => (
                <details key={j.id} open={j.state !== "ended" || j.exit !== 0}>
                    <summary><Status of={j.state === "ended" ? (j.exit === 0 ? "done" : j.exit === 130 ? "stopped" : "fault") : "running"} /> {j.state === "stopping" ? "saving, then it stops" : j.state === "ended" && j.exit !== 0 && j.exit !== 130 ? `ended with code ${j.exit}` : ""}</summary>
                    <Command text={j.command} />
                    {j.output.length > 0 && <pre class="log" tabIndex={0} aria-label="its last words">{j.output.slice(-12).join("\n")}</pre>}
                    {j.state !== "ended" && <p><button type="button" class="stop" onClick={() => void post("/api/jobs/stop", { id: j.id })}>{j.state === "stopping" ? "Kill" : "Stop"}</button></p>}
                </details>))}
        </section>
    );
}

/** Starts a run or a ladder; the command stands there before it does. */
function Start() {
    const { corpora, canStart, runs } = useHome();
    const [verb, setVerb] = useState<"train" | "ladder">("train"), [name, setName] = useState("first"), [trouble, setTrouble] = useState("");
    const [corpus, setCorpus] = useState(""), [flops, setFlops] = useState("1e10"), [more, setMore] = useState(""), [budgets, setBudgets] = useState("1e9..1e10");
    // What a taught model learnt from bears its name, and is no text to begin with.
    const on = corpus || corpora.find(c => !runs.has(c)) || corpora[0] || "";
    const settings = verb === "train" ? [`corpus=${on}`, `flops=${flops}`, ...more.split(/\s+/).filter(s => s)]
        : [`corpus=${on}`, `budgets=${budgets}`, ...more.split(/\s+/).filter(s => s)];
    const asked = { verb, name, settings };
    const command = useAsked<CommandView>(canStart ? JSON.stringify(asked) : null, signal => post("/api/jobs/command", asked, signal));
    if (!canStart) return null;
    if (corpora.length === 0) return <Empty title="No corpus yet" command="isoflop corpus small --vocab 512">A run needs text to learn from. This one is the documentation that lies beside the SDK.</Empty>;
    return (
        <details class="card"><summary>Start a run or a ladder</summary>
            <form onSubmit={e => {
                e.preventDefault();
                setTrouble("");
                void post<JobLine>("/api/jobs", asked).then(() => setTrouble(""), (x: Error) => setTrouble(x.message));
            }}>
                <div class="row">
                    <Choice label="What" value={verb} of={[["train", "one run"], ["ladder", "a ladder of runs"]]} onChange={setVerb} />
                    <label class="field"><span>Name</span><input value={name} required onInput={e => setName(e.currentTarget.value)} /></label>
                    <Choice label="Corpus" value={on} of={corpora.map(c => [c, c] as const)} onChange={setCorpus} />
                    {verb === "train" ? <label class="field"><span>FLOPs</span><input value={flops} required onInput={e => setFlops(e.currentTarget.value)} /></label>
                        : <label class="field"><span>Budgets, FLOPs</span><input value={budgets} required onInput={e => setBudgets(e.currentTarget.value)} /></label>}
                    <label class="field grow"><span>{verb === "train" ? "More settings, KEY=VALUE" : "More: seeds=2 sizes=3 per_decade=2 tune=0"}</span><input value={more} onInput={e => setMore(e.currentTarget.value)} /></label>
                </div>
                <h3>The command</h3>
                {command.value && !command.error && <Command text={command.value.command} />}
                {command.error && <Trouble text={command.error} />}
                <p><button class="main" disabled={!!command.error}>Start</button></p>
                {trouble && <Trouble text={trouble} />}
            </form>
        </details>
    );
}

export function Runs() {
    const { runs, studies, jobs, state, total, scanned, root, version } = useHome(), { search } = useRoute();
    const study = search.get("study") ?? "", [text, setText] = useState(""), [status, setStatus] = useState("all");
    const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
    const all = [...runs.values()];
    const shown = useMemo(() => all.filter(r => (!study || r.study === study) && (status === "all" || r.status === status)
        && (!text || r.name.toLowerCase().includes(text.toLowerCase()))), [version, study, status, text]);
    // Until someone chooses: what runs now, else what began last.
    const usual = useMemo(() => {
        const live = shown.filter(r => r.status === "running");
        const some = live.length > 0 ? live : [...shown].filter(r => r.step > 0).sort((a, b) => b.created.localeCompare(a.created));
        return new Set(some.slice(0, live.length > 0 ? 8 : 4).map(r => r.name));
    }, [shown]);
    const inCharts = chosen ?? usual;
    if (state === "first") return <Page title="Studies and runs"><Busy text="Reading the home…" /></Page>;
    const choose = (to: string) => go(to ? `/runs?study=${to}` : "/runs", true);
    return (
        <Page title="Studies and runs" wide lead={<>{runs.size.toLocaleString("en")} runs{scanned < total && <> of {total.toLocaleString("en")}, still reading</>}, {all.filter(r => r.status === "running").length} of them now.</>}>
            {runs.size === 0 && studies.length === 0 && <Empty title="No runs yet" command="isoflop tour"><p>{root} holds no runs. The tour trains a dozen small ones in some ten minutes; they appear here while it does.</p></Empty>}
            {studies.length > 0 && <section class="cards" aria-label="Studies">{studies.map(s => <Study key={s.name} of={s} chosen={study === s.name} onChoose={() => choose(study === s.name ? "" : s.name)} />)}</section>}
            <Start />
            <Jobs of={jobs} />
            {runs.size > 0 && <>
                <RunCharts runs={[...inCharts]} ys={["loss", "valid_loss", "tokens_per_second", "grad_norm"]} />
                <div class="row">
                    <label class="field grow"><span>Find runs by name</span><input type="search" value={text} onInput={e => setText(e.currentTarget.value)} /></label>
                    <Choice label="Study" value={study} of={[["", "all"], ...studies.map(s => [s.name, s.name] as const)]} onChange={choose} />
                    <Choice label="Status" value={status} of={["all", "running", "done", "stopped", "fault", "broken"].map(s => [s, s] as const)} onChange={setStatus} />
                    <button type="button" onClick={() => setChosen(new Set(shown.slice(0, 20).map(r => r.name)))}>Chart these</button>
                    {chosen && <button type="button" onClick={() => setChosen(null)}>Chart the newest</button>}
                </div>
                <Table label="Runs" rows={shown} columns={columns} id={r => r.name} order="created" down chosen={inCharts} onChoose={(id, on) => {
                    const next = new Set(inCharts);
                    if (on) next.add(id);
                    else next.delete(id);
                    setChosen(next);
                }} />
                {shown.length === 0 && <p>None of {runs.size} runs is such a one.</p>}
            </>}
        </Page>
    );
}

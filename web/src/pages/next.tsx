import { useState } from "preact/hooks";
import type { ClimbView, LossView, NextView } from "../api";
import { post, useAsked, useHome } from "../net";
import { Busy, Choice, Empty, Link, Page, Tokens, Trouble } from "../parts";
import { power, quantity } from "../words";

const shown = (token: string): string => (token === "" ? "∅" : token.replace(/\n/g, "⏎").replace(/\t/g, "⇥"));

/** Studies whose rungs can be asked, and single runs, for a choice. */
export function useModels(): readonly (readonly [string, string])[] {
    const { studies, runs } = useHome();
    const single = [...runs.values()].filter(r => r.step > 0 && !r.study).sort((a, b) => b.created.localeCompare(a.created));
    return [...studies.filter(s => s.done > 0).map(s => [`study:${s.name}`, `every rung of ${s.name}`] as const), ...single.slice(0, 60).map(r => [`run:${r.name}`, r.name] as const)];
}

const askOf = (which: string, text: string) => ({
    study: which.startsWith("study:") ? which.slice(6) : "", models: which.startsWith("run:") ? [which.slice(4)] : null, text, tokens: null, temperature: null, answer: null,
});

/** What models expect next, and what of a text was work for them. */
export function Next() {
    const { state } = useHome(), models = useModels();
    const [which, setWhich] = useState(""), [text, setText] = useState("The capital of France is"), [asked, setAsked] = useState<string>();
    const on = which || models[0]?.[0] || "";
    const key = asked === undefined || !on ? null : JSON.stringify([on, asked]);
    const next = useAsked<NextView>(key, signal => post("/api/next", askOf(on, asked!), signal));
    const losses = useAsked<LossView[]>(key, signal => post("/api/losses", askOf(on, asked!), signal));
    if (state === "first") return <Page title="Next word"><Busy text="Reading the home…" /></Page>;
    if (models.length === 0) return <Page title="Next word"><Empty title="No model yet" command="isoflop train corpus=small --flops 1e10 name=first"><p>Any run will do, after <code>isoflop corpus small --vocab 512</code>; a ladder shows how the next word sharpens from rung to rung.</p></Empty></Page>;
    const view = next.value, most = Math.max(1e-9, ...(view?.rows.flatMap(r => r.shares) ?? []));
    return (
        <Page title="Next word" wide lead="Every model is a distribution over what comes next. Type a text, and see it sharpen from the smallest budget to the largest.">
            <form class="card" onSubmit={e => {
                e.preventDefault();
                setAsked(text);
            }}>
                <label class="field"><span>Text before the word in question</span><textarea value={text} rows={2} onInput={e => setText(e.currentTarget.value)} onKeyDown={e => {
                    if (e.key === "Enter" && !e.shiftKey) {
                        e.preventDefault();
                        setAsked(text);
                    }
                }} /></label>
                <div class="row" style={{ marginTop: ".75rem" }}><Choice label="Models" value={on} of={models} onChange={setWhich} /><button class="main">Show</button></div>
            </form>
            {next.busy && <Busy text="Asking the models…" />}
            {next.error && <Trouble text={next.error} />}
            {view && !next.error && <section class="card words"><h2>What comes next</h2>
                <div class="scroll" tabIndex={0} role="region" aria-label="Next words"><table>
                    <thead><tr><th scope="col">token</th>{view.models.map(m => <th key={m.run} scope="col" class="n" title={m.run}>{m.budget !== null ? power(m.budget) : m.run}</th>)}</tr></thead>
                    <tbody>{view.rows.map((r, i) => <tr key={i}><td><span class="token">{shown(r.token)}</span></td>
                        {r.shares.map((s, k) => <td key={k} class="n bar"><i style={{ width: `${(92 * s / most).toFixed(1)}%` }} /><b>{s < 0.0001 ? "·" : `${(100 * s).toFixed(s < 0.1 ? 2 : 1)} %`}</b></td>)}</tr>)}
                        <tr><th scope="row">as if so many were equally likely</th>{view.models.map(m => <td key={m.run} class="n">{Math.exp(m.entropy).toFixed(1)}</td>)}</tr>
                        <tr><th scope="row">parameters</th>{view.models.map(m => <td key={m.run} class="n">{quantity(m.parameters)}</td>)}</tr>
                    </tbody>
                </table></div>
                <p style={{ marginTop: ".5rem" }}>{view.models.length > 1 ? "Columns: training FLOPs of each rung's best size." : <>Model <Link to={`/run/${view.models[0]?.run ?? ""}`}>{view.models[0]?.run}</Link>.</>}</p>
            </section>}
            {losses.value && !losses.error && <section class="card"><h2>Which of its words were work</h2>
                <p class="scale">Loss of each token, nats: <span class="n0">0</span><span class="n1">1</span><span class="n2">2</span><span class="n3">3</span><span class="n4">4</span><span class="n5">5</span><span class="n6">6</span></p>
                {losses.value.map((l, i) => <div key={l.run}><h3>{view?.models[i]?.budget ? `${power(view.models[i]!.budget)} FLOPs` : l.run}, {l.mean.toFixed(2)} nats a token</h3><Tokens of={l.tokens} /></div>)}
            </section>}
        </Page>
    );
}

/** One prompt through every rung of a study. */
export function ClimbForm(props: { study: string }) {
    const [prompt, setPrompt] = useState("The capital of France is"), [answer, setAnswer] = useState(" Paris"), [asked, setAsked] = useState<string | null>(null);
    const climbed = useAsked<ClimbView[]>(asked, signal => post("/api/climb", { study: props.study, models: null, text: prompt, tokens: 24, temperature: 0, answer }, signal));
    return (
        <section class="card"><h2>One prompt through every rung</h2>
            <form class="row" onSubmit={e => {
                e.preventDefault();
                setAsked(JSON.stringify([props.study, prompt, answer]));
            }}>
                <label class="field grow"><span>Prompt</span><input value={prompt} onInput={e => setPrompt(e.currentTarget.value)} /></label>
                <label class="field"><span>How likely is</span><input value={answer} onInput={e => setAnswer(e.currentTarget.value)} /></label>
                <button class="main">Climb</button>
            </form>
            {climbed.busy && <Busy text="Climbing…" />}
            {climbed.error && <Trouble text={climbed.error} />}
            {climbed.value && !climbed.error && <div class="scroll" style={{ marginTop: ".75rem" }} tabIndex={0} role="region" aria-label="Replies of the rungs"><table>
                <thead><tr><th scope="col" class="n">FLOPs</th><th scope="col" class="n">parameters</th><th scope="col" class="n">p of the answer</th><th scope="col">goes on</th></tr></thead>
                <tbody>{climbed.value.map(c => <tr key={c.run}><td class="n">{power(c.budget)}</td><td class="n">{quantity(c.parameters)}</td><td class="n">{c.answer_nats === null ? "–" : power(Math.exp(-c.answer_nats))}</td><td class="reply">{shown(c.text)}</td></tr>)}</tbody>
            </table></div>}
        </section>
    );
}

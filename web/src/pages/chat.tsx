import { useEffect, useRef, useState } from "preact/hooks";
import { get, useAsked, useHome } from "../net";
import { Busy, Choice, Empty, Link, Page, Trouble } from "../parts";

interface Turn { role: "user" | "assistant"; content: string; thought: string; busy?: boolean; error?: string; tokens?: string }
interface Delta { choices?: { delta?: { content?: string | null; reasoning_content?: string | null; reasoning?: string | null }; finish_reason?: string | null }[]; usage?: { completion_tokens: number; completion_tokens_details?: { reasoning_tokens?: number } } | null; error?: { message: string } }
interface Models { data: { id: string; taught?: string; owned_by?: string }[] }

interface Asking { model: string; turns: readonly Turn[]; temperature: number; budget: number | null; tokens: number; seed: number }

/** A reply as it comes: OpenAI's chat stream, thoughts as reasoning_content. */
async function* stream(ask: Asking, signal: AbortSignal): AsyncGenerator<Delta> {
    const response = await fetch("/v1/chat/completions", {
        method: "POST", signal, headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
            model: ask.model, messages: ask.turns.map(t => ({ role: t.role, content: t.content })), stream: true, stream_options: { include_usage: true },
            temperature: ask.temperature, max_tokens: ask.tokens, seed: ask.seed, ...(ask.budget === null ? {} : { thinking_budget: ask.budget }),
        }),
    });
    if (!response.ok || !response.body) {
        const text = await response.text();
        let why = `${response.status} ${response.statusText}`;
        try {
            const said = (JSON.parse(text) as { error: string | { message: string } }).error;
            why = typeof said === "string" ? said : said.message;
        } catch { /* not ours */ }
        throw new Error(why);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done) return;
        rest += value;
        for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
            const data = rest.slice(0, end).split("\n").filter(l => l.startsWith("data:")).map(l => l.slice(5).trim()).join("\n");
            if (data === "[DONE]") return;
            if (data) yield JSON.parse(data) as Delta;
        }
    }
}

/** One model's side of the talk. */
function Side(props: { model: string; turns: Turn[]; onRetry: () => void; onEdit: (i: number) => void; onStop: () => void; name: string }) {
    const end = useRef<HTMLDivElement>(null), last = props.turns[props.turns.length - 1];
    useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [last?.content.length, last?.thought.length, props.turns.length]);
    return (
        <section class="talk" aria-label={`Talk with ${props.model}`}>
            <h2>{props.model}</h2>
            {props.turns.length === 0 && <p class="busy">Nothing said yet.</p>}
            {props.turns.map((t, i) => (
                <div key={i} class={`turn ${t.role}`} aria-live={t.busy ? "polite" : undefined}>
                    <div class="who"><span>{t.role === "user" ? "you" : props.model}</span>
                        {t.tokens && <span>{t.tokens}</span>}
                        {t.role === "user" && <button type="button" class="quiet" onClick={() => props.onEdit(i)}>edit</button>}
                        {t.role === "assistant" && t.busy && <button type="button" class="quiet stop" onClick={props.onStop}>stop</button>}
                        {t.role === "assistant" && !t.busy && i === props.turns.length - 1 && <button type="button" class="quiet" onClick={props.onRetry}>retry</button>}
                    </div>
                    {t.thought && <details class="thought" open={t.busy && !t.content}><summary>{t.busy && !t.content ? "thinking…" : `thought, ${t.thought.length} characters`}</summary>{t.thought}</details>}
                    {t.content}{t.busy && !t.content && !t.thought && <span class="spin" role="status" aria-label="waiting" />}
                    {t.error && <Trouble text={t.error} />}
                </div>))}
            <div ref={end} />
        </section>
    );
}

const key = "isoflop-chat";

/** Talks with the home's models: what they think stands apart, two of them side by side on one prompt. */
export function Chat() {
    const { state, runs } = useHome();
    const models = useAsked<Models>("models", signal => get("/v1/models", signal));
    const [first, setFirst] = useState(""), [second, setSecond] = useState("");
    const [talks, setTalks] = useState<[Turn[], Turn[]]>(() => JSON.parse(sessionStorage.getItem(key) ?? "[[],[]]") as [Turn[], Turn[]]);
    const [text, setText] = useState(""), [temperature, setTemperature] = useState(0.8), [thinks, setThinks] = useState(false), [budget, setBudget] = useState(64), [seed, setSeed] = useState(1);
    const stops = useRef<[AbortController | null, AbortController | null]>([null, null]), box = useRef<HTMLTextAreaElement>(null);
    useEffect(() => {
        if (!talks.some(t => t.some(x => x.busy))) sessionStorage.setItem(key, JSON.stringify(talks));
    }, [talks]);
    useEffect(() => () => stops.current.forEach(s => s?.abort()), []);
    if (state === "first" || (models.busy && !models.value)) return <Page title="Chat"><Busy text="Looking for models…" /></Page>;
    const all = models.value?.data ?? [];
    const best = all.find(m => m.taught === "chats") ?? all.find(m => m.taught === "tasks") ?? all.find(m => m.taught === "endpoint") ?? all[0];
    const isRemote = (id: string) => all.some(m => m.id === id && m.taught === "endpoint");
    const one = first || best?.id || "", busy = talks.some(t => t.some(x => x.busy));
    if (all.length === 0) return (
        <Page title="Chat">{models.error && <Trouble text={models.error} />}
            <Empty title="No model to talk with" command="isoflop teach name=p tasks=parity:1 items=40000 think=0.5 context=32"><p>{runs.size === 0 ? "The home holds no model yet." : "No run of this home has weights to answer with."} This one learns to tell whether a number of ones is odd, and to think first.</p></Empty>
        </Page>);

    const put = (side: 0 | 1, change: (turns: Turn[]) => Turn[]) => setTalks(t => (side === 0 ? [change(t[0]), t[1]] : [t[0], change(t[1])]));
    const reply = async (side: 0 | 1, model: string, turns: Turn[], with_: number) => {
        const stop = (stops.current[side] = new AbortController());
        const asked = turns.filter(t => !t.error);
        put(side, () => [...turns, { role: "assistant", content: "", thought: "", busy: true }]);
        const tell = (more: (t: Turn) => Turn) => put(side, ts => ts.map((t, i) => (i === ts.length - 1 ? more(t) : t)));
        try {
            for await (const d of stream({ model, turns: asked, temperature, budget: thinks && !isRemote(model) ? budget : null, tokens: 512, seed: with_ }, stop.signal)) {
                if (d.error) throw new Error(d.error.message);
                const piece = d.choices?.[0]?.delta;
                if (piece) tell(t => ({ ...t, content: t.content + (piece.content ?? ""), thought: t.thought + (piece.reasoning_content ?? piece.reasoning ?? "") }));
                const used = d.usage;
                if (used) tell(t => ({ ...t, tokens: `${used.completion_tokens} tokens${used.completion_tokens_details?.reasoning_tokens ? `, ${used.completion_tokens_details.reasoning_tokens} of thought` : ""}` }));
            }
            tell(t => ({ ...t, busy: false }));
        } catch (e) {
            const stopped = stop.signal.aborted;
            tell(t => ({ ...t, busy: false, ...(stopped ? { tokens: "stopped" } : { error: e instanceof Error ? e.message : String(e) }) }));
        }
    };
    const send = () => {
        if (!text.trim() || busy) return;
        const turn: Turn = { role: "user", content: text, thought: "" };
        void reply(0, one, [...talks[0], turn], seed);
        if (second) void reply(1, second, [...talks[1], turn], seed);
        setText("");
    };
    const retry = (side: 0 | 1, model: string) => {
        setSeed(seed + 1);
        void reply(side, model, talks[side].slice(0, -1), seed + 1);
    };
    const edit = (i: number) => {
        setText(talks[0][i]?.content ?? talks[1][i]?.content ?? "");
        setTalks([talks[0].slice(0, i), talks[1].slice(0, i)]);
        box.current?.focus();
    };
    const choices = all.map(m => [m.id, m.taught === "endpoint" ? `${m.id} (at ${m.owned_by})` : m.taught && m.taught !== "texts" ? `${m.id} (${m.taught})` : m.id] as const);
    return (
        <Page title="Chat" wide lead="Models of this home, and of endpoints that the server was given, through the same interface that other programs use. What a model thinks stands apart from what it says.">
            <section class="card row">
                <Choice label="Model" value={one} of={choices} onChange={setFirst} />
                <Choice label="Beside it" value={second} of={[["", "none"], ...choices]} onChange={setSecond} />
                <label class="field"><span>Temperature {temperature.toFixed(1)}</span><input type="range" min="0" max="2" step="0.1" value={temperature} onInput={e => setTemperature(Number(e.currentTarget.value))} /></label>
                <label class="check"><input type="checkbox" checked={thinks} onChange={e => setThinks(e.currentTarget.checked)} />a budget for thought</label>
                {thinks && <label class="field"><span>{budget === 0 ? "no thought" : `at most ${budget} tokens`}</span><input type="range" min="0" max="512" step="8" value={budget} onInput={e => setBudget(Number(e.currentTarget.value))} /></label>}
                <button type="button" disabled={busy || talks.every(t => t.length === 0)} onClick={() => setTalks([[], []])}>Begin anew</button>
            </section>
            <div class="chats">
                <Side name="first" model={one} turns={talks[0]} onRetry={() => retry(0, one)} onEdit={edit} onStop={() => stops.current[0]?.abort()} />
                {second && <Side name="second" model={second} turns={talks[1]} onRetry={() => retry(1, second)} onEdit={edit} onStop={() => stops.current[1]?.abort()} />}
            </div>
            <form class="ask" onSubmit={e => {
                e.preventDefault();
                send();
            }}>
                <label class="field"><span>Say something; Enter sends, Shift and Enter begin a line</span>
                    <textarea ref={box} rows={2} value={text} onInput={e => setText(e.currentTarget.value)} onKeyDown={e => {
                        if (e.key === "Enter" && !e.shiftKey) {
                            e.preventDefault();
                            send();
                        }
                    }} /></label>
                <div class="row middle"><button class="main" disabled={busy || !text.trim()}>Send</button>
                    <span class="hint">The same for a program: <code>POST {location.origin}/v1/chat/completions</code></span> <Link to="/thinking">how models learn to think</Link></div>
            </form>
        </Page>
    );
}

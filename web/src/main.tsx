import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./look.css";
import { home, useHome } from "./net";
import { Choice, Link, Trouble } from "./parts";
import { Chat } from "./pages/chat";
import { Laws } from "./pages/laws";
import { Map } from "./pages/map";
import { Next } from "./pages/next";
import { Run } from "./pages/run";
import { Runs } from "./pages/runs";
import { Talk } from "./pages/talk";
import { Thinking } from "./pages/thinking";
import { useRoute } from "./route";
import { apply, choose, chosen, type Theme } from "./theme";

const pages = [
    ["runs", "Studies and runs", Runs], ["laws", "Laws", Laws], ["next", "Next word", Next], ["map", "Map", Map],
    ["thinking", "Thinking", Thinking], ["chat", "Chat", Chat], ["talk", "The talk", Talk],
] as const;

const Mark = () => (
    <svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true"><rect width="26" height="26" rx="6" fill="#005a94" />
        <path d="M5 6 C8 19 12 20 21 8" fill="none" stroke="#fff" stroke-width="2" opacity=".55" /><path d="M5 11 C9 22 14 23 21 14" fill="none" stroke="#fff" stroke-width="2.2" /></svg>
);

function Foot() {
    const [theme, set] = useState<Theme>(chosen());
    const { root, state } = useHome();
    return (
        <>
            <Choice label="Look" value={theme} of={[["auto", "as the system"], ["light", "light"], ["dark", "dark"]]} onChange={t => {
                set(t);
                choose(t);
            }} />
            <div>{root}</div>
            <div role="status">{state === "live" ? "live" : state === "asking" ? "asked every 3 s: this browser has no events" : state === "lost" ? "the server does not answer" : ""}</div>
        </>
    );
}

/** The window wants its key, once; a cookie keeps it until the browser is closed. */
function Key() {
    const [wrong, set] = useState("");
    return (
        <main id="main"><h1>This window wants its key</h1>
            <form class="card row" onSubmit={e => {
                e.preventDefault();
                const key = new FormData(e.currentTarget).get("key") as string;
                void fetch("/api/key", { method: "POST", body: key }).then(r => (r.ok ? location.reload() : set("that is not the key")));
            }}>
                <label class="field grow"><span>Key, as given to isoflop serve</span><input name="key" type="password" autocomplete="off" required /></label>
                <button class="main">Open</button>
            </form>
            {wrong && <Trouble text={wrong} />}
        </main>
    );
}

function App() {
    const { path } = useRoute(), { state } = useHome();
    useEffect(() => void home.start(), []);
    const at = path[0] ?? "runs", Shown = at === "run" ? Run : (pages.find(p => p[0] === at)?.[2] ?? Runs);
    useEffect(() => {
        document.title = `${at === "run" ? path[1] : (pages.find(p => p[0] === at)?.[1] ?? "Isoflop")} · Isoflop`;
    });
    // On a telephone the pages' names are a line that scrolls.
    useEffect(() => document.querySelector(".side nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [at]);
    if (state === "key") return <Key />;
    return (
        <div class="frame">
            <a class="skip" href="#main">to the page</a>
            <header class="side">
                <Link to="/runs" class="brand"><Mark />Isoflop</Link>
                <nav aria-label="Pages">{pages.map(([name, title]) =>
                    <Link key={name} to={`/${name}`} current={at === name || (name === "runs" && at === "run")}>{title}</Link>)}</nav>
                <div class="foot"><Foot /></div>
            </header>
            <div>
                {state === "lost" && <Trouble text="The server does not answer. It may have been closed: isoflop serve opens it again, and this page goes on by itself." />}
                <Shown />
                <footer class="phone-foot"><Foot /></footer>
            </div>
        </div>
    );
}

apply();
render(<App />, document.body);

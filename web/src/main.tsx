import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./look.css";

type Home = { root: string; runs: number; studies: number };

function App() {
    const [home, setHome] = useState<Home>();
    useEffect(() => {
        void fetch("/api/home").then(async r => setHome((await r.json()) as Home));
    }, []);
    return <main><h1>Isoflop</h1>{home && <p>{home.runs} runs, {home.studies} studies in {home.root}</p>}</main>;
}

render(<App />, document.body);

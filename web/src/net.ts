import { useEffect, useReducer, useState } from "preact/hooks";
import type { HomeChange, JobLine, RunLine, StudyLine, Trouble } from "./api";

/** What went wrong, as the server said it. */
export class Refused extends Error {
    constructor(readonly status: number, message: string) {
        super(message);
    }
}

async function answer<T>(response: Response): Promise<T> {
    if (response.ok) return (await response.json()) as T;
    const text = await response.text();
    let why = `${response.status} ${response.statusText}`;
    try {
        why = (JSON.parse(text) as Trouble).error;
    } catch { /* not ours */ }
    if (response.status === 401) home.locked();
    throw new Refused(response.status, why);
}

/** Query parameters; lists become repeated keys, null is left out. */
export function query(of: Record<string, string | number | boolean | readonly string[] | null | undefined>): string {
    const all = new URLSearchParams();
    for (const [key, value] of Object.entries(of)) {
        if (value === null || value === undefined || value === false) continue;
        if (Array.isArray(value)) for (const one of value as readonly string[]) all.append(key, one);
        else all.append(key, value === true ? "1" : String(value));
    }
    return all.toString();
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> => answer<T>(await fetch(path, { signal: signal ?? null }));

export const post = async <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
    answer<T>(await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal: signal ?? null,
    }));

/** The home, followed by server-sent events, or by asking every few seconds where the browser or the way lacks them. */
class Home {
    runs = new Map<string, RunLine>();
    studies: StudyLine[] = [];
    corpora: string[] = [];
    jobs: JobLine[] = [];
    root = "";
    program = "";
    canStart = false;
    total = 0;
    scanned = 0;
    /** changes with everything above */
    version = 0;
    /** first: nothing known yet; live; asking: no events, asked from time to time; lost: the server does not answer; key: it wants a key */
    state: "first" | "live" | "asking" | "lost" | "key" = "first";
    private readonly listeners = new Set<() => void>();
    private source: EventSource | undefined;
    private failures = 0;

    subscribe(tell: () => void): () => void {
        this.listeners.add(tell);
        return () => this.listeners.delete(tell);
    }

    locked(): void {
        if (this.state === "key") return;
        this.state = "key";
        this.source?.close();
        this.tell();
    }

    async start(): Promise<void> {
        try {
            this.take(await get<HomeChange>("/api/home"));
            this.follow();
        } catch (e) {
            if (e instanceof Refused && e.status === 401) return;
            this.lose();
        }
    }

    private tell(): void {
        for (const listener of this.listeners) listener();
    }

    private take(change: HomeChange): void {
        if (change.whole) this.runs.clear();
        for (const name of change.gone) this.runs.delete(name);
        for (const run of change.runs) this.runs.set(run.name, run);
        [this.studies, this.corpora, this.jobs, this.root] = [change.studies, change.corpora, change.jobs, change.root];
        [this.program, this.canStart] = [change.program, change.can_start];
        [this.total, this.scanned, this.version] = [change.total, change.scanned, change.version];
        this.failures = 0;
        this.state = this.source || typeof EventSource !== "undefined" ? "live" : "asking";
        this.tell();
    }

    private follow(): void {
        if (typeof EventSource === "undefined") {
            void this.ask();
            return;
        }
        this.source?.close();
        const source = (this.source = new EventSource(`/api/live?since=${this.version}`));
        source.onmessage = e => this.take(JSON.parse(e.data as string) as HomeChange);
        source.onerror = () => {
            source.close();
            this.lose();
        };
    }

    private lose(): void {
        this.failures++;
        if (this.failures > 1) {
            this.state = "lost";
            this.tell();
        }
        setTimeout(() => void this.start(), Math.min(8000, 500 * 2 ** this.failures));
    }

    private async ask(): Promise<void> {
        await new Promise(done => setTimeout(done, 3000));
        try {
            this.take(await get<HomeChange>(`/api/home?since=${this.version}`));
            void this.ask();
        } catch {
            this.lose();
        }
    }
}

export const home = new Home();

/** Draws anew whenever the home changed. */
export function useHome(): Home {
    const [, draw] = useReducer((n: number, _: void) => n + 1, 0);
    useEffect(() => home.subscribe(() => draw()), []);
    return home;
}

export type Asked<T> = { value?: T; error?: string; busy: boolean };

/** Asks when the key changes; keeps the last answer until the next is there. */
export function useAsked<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
    const [state, set] = useState<Asked<T>>({ busy: key !== null });
    useEffect(() => {
        if (key === null) {
            set({ busy: false });
            return;
        }
        const abort = new AbortController();
        set(s => ({ ...s, busy: true }));
        ask(abort.signal).then(
            value => !abort.signal.aborted && set({ value, busy: false }),
            (e: unknown) => !abort.signal.aborted && set({ error: e instanceof Error ? e.message : String(e), busy: false }));
        return () => abort.abort();
    }, [key]);
    return state;
}

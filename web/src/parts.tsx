import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { go } from "./route";

/** Colours of data, readable on both pages and told apart by the colour-blind; dashes tell them apart without colour. */
export const colours = [0, 1, 2, 3, 4, 5, 6, 7].map(i => `var(--c${i})`);
export const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 5], [4, 2, 4, 6]];

export const Page = (props: { title: string; lead?: ComponentChildren; children: ComponentChildren; wide?: boolean }) => (
    <main id="main" class={props.wide ? "wide" : ""} tabIndex={-1}>
        <header class="head"><h1>{props.title}</h1>{props.lead && <p class="lead">{props.lead}</p>}</header>
        {props.children}
    </main>
);

/** A command to be repeated in a terminal. */
export function Command(props: { text: string }) {
    const [copied, set] = useState(false);
    return (
        <div class="command">
            <code>{props.text}</code>
            <button type="button" class="quiet" onClick={() => {
                void navigator.clipboard?.writeText(props.text).then(() => set(true), () => set(false));
                setTimeout(() => set(false), 1500);
            }}>{copied ? "copied" : "copy"}</button>
        </div>
    );
}

/** Nothing here yet: why, and what to run. */
export const Empty = (props: { title: string; children?: ComponentChildren; command?: string }) => (
    <section class="empty"><h2>{props.title}</h2>{props.children && <div>{props.children}</div>}{props.command && <Command text={props.command} />}</section>
);

export const Trouble = (props: { text: string }) => <p class="trouble" role="alert"><span aria-hidden="true">⚠ </span>{props.text}</p>;

export const Busy = (props: { text: string }) => <p class="busy" role="status"><span class="spin" aria-hidden="true" />{props.text}</p>;

const signs: Record<string, string> = { done: "✓", running: "▶", stopped: "■", fault: "✕", broken: "✕", working: "▶", waiting: "·", ended: "✓", silent: "✕" };

export const Status = (props: { of: string }) => (
    <span class={`status ${props.of}`}><span aria-hidden="true">{signs[props.of] ?? "·"}</span> {props.of}</span>
);

export const Link = (props: { to: string; children: ComponentChildren; class?: string; current?: boolean; title?: string }) => (
    <a href={props.to} class={props.class ?? ""} aria-current={props.current ? "page" : undefined} title={props.title}
        onClick={e => {
            if (e.metaKey || e.ctrlKey || e.shiftKey) return;
            e.preventDefault();
            go(props.to);
        }}>{props.children}</a>
);

export function Choice<T extends string>(props: { label: string; value: T; of: readonly (readonly [T, string])[]; onChange: (v: T) => void }) {
    return (
        <label class="field"><span>{props.label}</span>
            <select value={props.value} onChange={e => props.onChange(e.currentTarget.value as T)}>
                {props.of.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
            </select>
        </label>
    );
}

export const Check = (props: { label: string; value: boolean; onChange: (v: boolean) => void }) => (
    <label class="check"><input type="checkbox" checked={props.value} onChange={e => props.onChange(e.currentTarget.checked)} />{props.label}</label>
);

/** Words of the server: `code` and **what matters**, and nothing else of markup. */
export function Words(props: { text: string }) {
    const parts = props.text.split(/(`[^`]*`|\*\*[^*]*\*\*)/);
    return <>{parts.map((p, i) => p.startsWith("`") && p.length > 1 ? <code key={i}>{p.slice(1, -1)}</code>
        : p.startsWith("**") ? <b key={i}>{p.slice(2, -2)}</b> : p)}</>;
}

/** Tokens coloured by their loss, 0 to 6 nats; the number stands in the title, and in words for those who read no colours. */
export const Tokens = (props: { of: readonly { token: string; nats: number }[] }) => (
    <p class="tokens">{props.of.map((t, i) => (
        <span key={i} class={`n${Math.max(0, Math.min(6, Math.round(t.nats)))}`} title={`${t.nats.toFixed(2)} nats`}>{t.token}</span>
    ))}</p>
);

/** A picture that the laboratory drew: the one for the width of the screen. */
export const Picture = (props: { src: string; alt: string; drawn?: boolean; size?: readonly [number, number] }) => (
    <div class={props.drawn ? "picture drawn" : "picture"} tabIndex={props.drawn ? 0 : undefined} role={props.drawn ? "group" : undefined} aria-label={props.drawn ? props.alt : undefined}>
        <picture>
            {!props.drawn && <source media="(max-width: 40rem)" srcset={`${props.src}&narrow=1`} />}
            <img src={props.src} alt={props.alt} loading="lazy" width={props.size?.[0]} height={props.size?.[1]} />
        </picture>
    </div>
);

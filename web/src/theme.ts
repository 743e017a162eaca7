import { useEffect, useReducer } from "preact/hooks";

export type Theme = "auto" | "light" | "dark";
const key = "isoflop-theme", listeners = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");

export const chosen = (): Theme => (localStorage.getItem(key) as Theme | null) ?? "auto";

export function choose(theme: Theme): void {
    if (theme === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
    apply();
}

export function apply(): void {
    const dark = chosen() === "dark" || (chosen() === "auto" && system.matches);
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    for (const listener of listeners) listener();
}

system.addEventListener("change", apply);

/** "light" or "dark", as the page is now. */
export function useTheme(): string {
    const [, draw] = useReducer((n: number, _: void) => n + 1, 0);
    useEffect(() => {
        const tell = () => draw();
        listeners.add(tell);
        return () => void listeners.delete(tell);
    }, []);
    return document.documentElement.dataset["theme"] ?? "light";
}

import { defineConfig } from "vite";

// Names without hashes: the built files are checked in, and the server sends tags.
export default defineConfig({
    build: {
        target: "es2022",
        outDir: "dist",
        assetsDir: "",
        modulePreload: false,
        assetsInlineLimit: 0,
        rollupOptions: {
            output: { entryFileNames: "app.js", chunkFileNames: "[name].js", assetFileNames: "app[extname]" },
        },
    },
    server: { proxy: { "/api": "http://127.0.0.1:5180", "/v1": "http://127.0.0.1:5180" } },
});

import { defineConfig } from "vite";

/** Where the API of a running platform is, for `npm run dev`. */
const api = process.env.VOICEERA_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/console/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../voiceera/console",
    emptyOutDir: true,
    target: "es2022",
    // The policy takes no inline script and no data: URL for a font or a script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "^/(?!console)": api } },
});

// Builds the page into dist/public/build. The address is the real image's, because @grafana/ui looks for its icons there.
import { defineConfig } from 'vite';

const here = (path: string): string => new URL(path, import.meta.url).pathname;

export default defineConfig({
  base: '/public/build/',
  publicDir: here('./node_modules/@grafana/ui/dist/public'),
  resolve: {
    alias: [{ find: /^@?monaco-editor(\/.*)?$/, replacement: here('./viewer/noEditor.ts') }],
  },
  build: {
    outDir: 'dist/public/build',
    target: 'es2022',
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
  },
});

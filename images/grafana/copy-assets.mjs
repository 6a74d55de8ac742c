// Puts the fonts and icons where @grafana/ui asks for them; its package brings neither the fonts nor all icons.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';

const ROBOTO = 'L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ'; // the name in @grafana/ui's style sheet
const FILES = {
  'node_modules/@fontsource-variable/roboto-mono/files/roboto-mono-latin-wght-normal.woff2': `fonts/roboto/${ROBOTO}.woff2`,
};
for (const style of ['Regular', 'Medium', 'Italic', 'MediumItalic']) {
  FILES[`node_modules/inter-ui/web/Inter-${style}.woff2`] = `fonts/inter/Inter-${style}.woff2`;
}
for (const icon of readdirSync('viewer/icons')) {
  FILES[`viewer/icons/${icon}`] = `build/img/icons/unicons/${icon}`;
}

for (const [from, to] of Object.entries(FILES)) {
  mkdirSync(dirname(`dist/public/${to}`), { recursive: true });
  copyFileSync(from, `dist/public/${to}`);
}

// Starts the page: translations to English, Grafana's transformations, then React.
import { createRoot } from 'react-dom/client';
import { standardTransformers, standardTransformersRegistry, type DataTransformerInfo } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { App } from './App.tsx';

// Where @grafana/ui looks for its icons.
Object.assign(window, { __grafana_public_path__: '/public/' });

standardTransformersRegistry.setInit(() =>
  // Some are listed under two names.
  [...new Set<DataTransformerInfo>(Object.values(standardTransformers))].map((transformer) => ({
    id: transformer.id, name: transformer.name, aliasIds: [], transformation: () => Promise.resolve(transformer), editor: () => null,
    imageDark: '', imageLight: '',
  }))
);

await initPluginTranslations('grafana', []);
createRoot(document.getElementById('root')!).render(<App />);

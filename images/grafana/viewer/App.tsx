// The page. In: its address (/, /dashboards, /d/UID/slug). Out: the banner, the name of what is shown, and a dashboard
// or the list of all of them.
import { useEffect, useMemo, useState } from 'react';
import { createTheme, ThemeContext } from '@grafana/data';
import type { Dashboard } from '@grafana/schema';
import { Alert, Card, GlobalStyles, LoadingPlaceholder, PortalContainer } from '@grafana/ui';
import { fetchDashboard, fetchDashboards, fetchSettings, type Found, type Settings } from './api.ts';
import { DashboardPage } from './DashboardPage.tsx';
import { remember, remembered } from './view.ts';

interface Loaded {
  settings: Settings;
  dashboard?: Dashboard;
  list?: Found[];
}

async function loadPage(path: string): Promise<Loaded> {
  const settings = await fetchSettings();
  if (path === '/dashboards') {
    return { settings, list: await fetchDashboards() };
  }
  return { settings, dashboard: await fetchDashboard(/^\/d\/([^/]+)/.exec(path)?.[1]) };
}

function Banner({ version }: { version: string }) {
  return (
    <div role="note" style={{ background: '#8a5a00', color: '#fff', padding: '6px 16px', fontSize: 13 }}>
      <strong>This is not Grafana.</strong> It is a read-only stand-in, built from Grafana&rsquo;s own components (@grafana/ui {version}), because
      no container registry could be reached. It shows the same provisioned dashboards as the real image would.
    </div>
  );
}

function DashboardList({ list }: { list: Found[] }) {
  return (
    <main style={{ padding: 16, maxWidth: 900 }}>
      {list.map(({ uid, title, url, tags }) => (
        <Card key={uid} href={url} noMargin><Card.Heading>{title}</Card.Heading><Card.Meta>{tags.join(' · ') || 'dashboard'}</Card.Meta></Card>
      ))}
    </main>
  );
}

export function App() {
  const [light, setLight] = useState(remembered('theme')[0] === 'light');
  const theme = useMemo(() => createTheme({ colors: { mode: light ? 'light' : 'dark' } }), [light]);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    loadPage(window.location.pathname).then(setLoaded, (reason: unknown) => setError(String(reason)));
  }, []);
  const title = loaded?.dashboard?.title ?? 'Dashboards';
  useEffect(() => {
    document.title = `${title} · stand-in for Grafana`;
  }, [title]);

  const switchTheme = (): void => {
    remember('theme', light ? '' : 'light');
    setLight(!light);
  };
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Banner version={loaded?.settings.version ?? ''} />
      <header style={{ padding: '8px 16px 0', display: 'flex', gap: 8, alignItems: 'baseline' }}>
        <a href="/dashboards">Dashboards</a>
        <span>/</span>
        <h1 style={{ fontSize: 16, margin: 0 }}>{title}</h1>
      </header>
      {error !== '' && <Alert severity="error" title="The dashboard could not be read">{error}</Alert>}
      {loaded === null && error === '' && <LoadingPlaceholder text="Reading the provisioned dashboards" />}
      {loaded?.list && <DashboardList list={loaded.list} />}
      {loaded?.dashboard && (
        <DashboardPage dashboard={loaded.dashboard} datasources={loaded.settings.datasources} light={light} onTheme={switchTheme} />
      )}
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

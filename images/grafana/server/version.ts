/** The Grafana line whose components the page is made of: the version of @grafana/ui in package.json. */
export const VERSION = '13.2.2';

// Stands in the build for the code editor that @grafana/ui would load to edit queries: a reader never does.
export const loader = { config: (): void => undefined };
export const useMonaco = (): null => null;
export const editor = {};
export default (): null => null;

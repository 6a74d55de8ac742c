// Values of @grafana/ui that its own declaration files give as `const enum`, which a bundler cannot read.
export const TooltipHoverMode = { xOne: 0, xAll: 1, xyOne: 2 } as const;

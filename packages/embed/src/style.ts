/**
 * How the element looks. It takes text colour and font from the page, so that it fits light and dark ones.
 *
 * Logical properties only: it mirrors itself from right to left.
 */

export const STYLE = `
:host {
  display: block; min-block-size: 550px;
  color: var(--mx-widget-text, inherit); background: var(--mx-widget-background, none);
  font: var(--mx-widget-font, inherit);
}
:host([hidden]), :host([state=idle]), :host([state=closed]), [hidden] { display: none !important }
section { display: grid; grid-template-rows: 1fr auto; inline-size: 100%; block-size: 100%; min-block-size: inherit }
.stage { position: relative; padding: 0; border-radius: var(--mx-widget-radius, 0) }
.stage > * { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; border: 0; box-sizing: border-box }
div { display: flex; flex-flow: column; gap: 1em; padding: 1em; overflow: auto }
[part=error] { place-content: safe center; align-items: center; text-align: center }
p { margin: 0; line-height: 1.5; text-align: match-parent }
button {
  font: inherit; font-weight: 600; padding: .75em 1.5em; cursor: pointer; border: 0;
  color: var(--mx-widget-accent-text, #fff); background: var(--mx-widget-accent, #1a5fd0);
  border-radius: var(--mx-widget-radius, .5em);
}
i { flex: 0 0 3em; border-radius: var(--mx-widget-radius, .5em); opacity: .13; background: currentColor }
[part=notice] { flex-flow: wrap; align-items: center; border-block-start: 1px solid }
@media (prefers-reduced-motion: no-preference) {
  i { animation: i 1s infinite alternate }
  @keyframes i { to { opacity: .06 } }
}
`;

/** The head of the arrows of a diagram, at either end of a path: `marker-end="url(#arrow)"`. */
export const arrowhead =
  '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0 0.5 8 4 0 7.5z" class="head"/></marker></defs>';

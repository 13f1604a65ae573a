// Stands, unseen, in a box of ipywidgets.  JupyterLab's shortcuts look at the element that has the
// focus: arrows would go to the next cell instead of the next choice, d d would delete the cell.
function render({ model, el }) {
  let box = null;
  const own = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  const begin = () => {
    box = el.parentElement?.closest(".widget-vbox") ?? null;
    if (!box) { frame = requestAnimationFrame(begin); return; } // not in the page yet
    box.addEventListener("focusin", own);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", model.get("label"));
  };
  el.style.display = "none";
  let frame = requestAnimationFrame(begin);
  return () => { cancelAnimationFrame(frame); box?.removeEventListener("focusin", own); };
}

export default { render };

// One sentence on what went wrong, as text; it stays until the next action or until it is closed.
const box = element.querySelector(".gtt-message"), words = element.querySelector('[data-part="words"]');

function attach(text) {
  words.textContent = text || "";
  box.hidden = !text;
}

// Said by the page itself, without having asked the server.
function said(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:said", said); return; }
  attach(event.detail);
}

element.querySelector('[data-part="close"]').onclick = () => { props.value = ""; attach(""); };
document.addEventListener("gtt:said", said);
watch("value", () => attach(props.value));
attach(props.value);

// One sentence on what went wrong, as text; it stays until the next action or until it is closed.
const box = element.querySelector(".gtt-message"), words = element.querySelector('[data-part="words"]');

function attach(text) {
  words.textContent = text || "";
  box.hidden = !text;
}

element.querySelector('[data-part="close"]').onclick = () => { props.value = ""; attach(""); };
watch("value", () => attach(props.value));
attach(props.value);

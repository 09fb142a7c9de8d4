/** What is said of a push. */

/** @typedef {import("../../types/ask").Schema["PushInfo"]} Push */

export const ABOUT = /** @type {Record<string, string>} */ ({
  transformers:
    "The best checkpoint with a card that tells what it is. Whoever has the link loads it with " +
    "transformers.",
  pocket:
    "The pocket model of the best checkpoint as a static Space: whoever has the link runs it in " +
    "their browser, on a telephone too. It costs nothing.",
});
const SIGN_IN = "With the sign-in of the button below.";
const LOGIN = "Without a token: with the login of this computer (hf auth login).";
const TOKEN = "A token that may write, from huggingface.co/settings/tokens. It is kept nowhere.";

/** @param {Push | null} push */
export const isAtWork = (push) =>
  Boolean(push && ["preparing", "sending", "publishing"].includes(push.stage));

/** What a push needs. @param {boolean} canSignIn @param {boolean} hasLogin */
export const needs = (canSignIn, hasLogin) => (canSignIn ? SIGN_IN : hasLogin ? LOGIN : TOKEN);

/** How much of it has arrived. @param {Push} push */
export const arrived = (push) => push.bytes_sent + push.bytes_kept;

/** How a push stands. @param {Push} push */
export function standing(push) {
  const { stage, repo } = push;
  if (stage === "preparing") return `Laying out the files for ${repo}…`;
  if (stage === "publishing") return `All has arrived; publishing ${repo}…`;
  if (stage === "sending") {
    const kept = push.bytes_kept ? `, ${mb(push.bytes_kept)} MB had arrived before` : "";
    const sent = `${mb(arrived(push))} of ${mb(push.bytes_total || 0)} MB`;
    const rest = left(push.seconds_left);
    return `Sending to ${repo}: ${sent}${rest}${kept}. You may close the page.`;
  }
  if (stage !== "done") return push.message || "";
  const what = push.format === "pocket" ? "is a page on the Hub, the Space" : "is on the Hub as";
  const alone = push.private ? ", for you alone" : "";
  return `Step ${push.step?.toLocaleString("en")} ${what} ${repo}${alone}.`;
}

/** @param {number} bytes */
const mb = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

/** @param {number | null} seconds */
function left(seconds) {
  if (seconds === null) return "";
  const whole = Math.ceil(seconds);
  return whole < 90 ? `, about ${whole} s left` : `, about ${Math.ceil(whole / 60)} min left`;
}

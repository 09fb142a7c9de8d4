/** Places by what stands there, the largest first; of equals, the earlier. */
function ranked(numbers) {
  return Array.from(numbers.keys()).sort((a, b) => numbers[b] - numbers[a]);
}

// Requests and answers by the name of an endpoint, from the types made of the OpenAPI description.
import type { components, operations } from "./api";

export type Name = keyof operations;
export type Schema = components["schemas"];
export type Fault = Schema["ErrorResponse"]["error"];

type Given<V> = [V] extends [undefined] ? object : { [K in keyof V]: V[K] | null };
type Part<N extends Name, P extends "path" | "query"> = operations[N]["parameters"] extends {
  [K in P]?: infer V;
}
  ? Given<Exclude<V, undefined>>
  : object;
type Body<N extends Name> = [NonNullable<operations[N]["requestBody"]>] extends [never]
  ? object
  : NonNullable<operations[N]["requestBody"]> extends {
        content: { "application/json": infer B };
      }
    ? Partial<B>
    : object;

/** What an endpoint takes, wherever it stands in the request; null is as if it were left out. */
export type Values<N extends Name> = Part<N, "path"> & Part<N, "query"> & Body<N>;

type Content<N extends Name> =
  operations[N]["responses"][keyof operations[N]["responses"]] extends infer R
    ? R extends { content: { "application/json": infer A } }
      ? A
      : never
    : never;

/** What it answers. */
export type Answer<N extends Name> = Exclude<Content<N>, { error: Fault }>;

/** An answer or a refusal: whoever has looked at `error` knows which. */
export type Reply<N extends Name> = (Answer<N> & { error?: undefined }) | { error: Fault };

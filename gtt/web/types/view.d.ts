// What Gradio gives to a component's script.
export interface Gradio {
  props: { value: any; [name: string]: any };
  watch(prop: string, act: () => void): void;
  trigger(event: string, data?: unknown): void;
}

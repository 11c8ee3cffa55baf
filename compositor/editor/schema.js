// JSON Schema as the compositor writes it, brought down to what a form has to know. Pure.

const plain = (schema) => schema && typeof schema === "object";

export class Schemas {
  constructor(openapi) {
    this.named = openapi.components?.schemas ?? {};
    this.openapi = openapi;
  }

  // The schema of what a request takes.
  body(path, method) {
    const operation = this.openapi.paths?.[path]?.[method];
    return this.open(operation?.requestBody?.content?.["application/json"]?.schema ?? {});
  }

  // Without references.
  open(schema) {
    let own = schema ?? {};
    for (let n = 0; n < 16 && plain(own); n += 1) {
      if (own.$ref) {
        const { $ref, ...rest } = own;
        own = { ...this.named[$ref.split("/").at(-1)], ...rest };
      } else if (own.allOf?.length === 1) {
        const { allOf, ...rest } = own;
        own = { ...this.open(allOf[0]), ...rest };
      } else break;
    }
    return own;
  }

  // What kind of control a value needs: one of
  // `optional` (of `inner`), `choice` (of `choices`), `variants`, `object`, `list`, `color`, `moment`, `boolean`,
  // `number`, `integer`, `text`, `fixed`.
  shape(schema) {
    const own = this.open(schema);
    if ("const" in own) return { form: "fixed", value: own.const, own };
    const types = [own.type].flat();
    if (types.length > 1 && types.includes("null")) {
      const rest = types.filter((type) => type !== "null");
      return { form: "optional", inner: { ...own, type: rest.length === 1 ? rest[0] : rest, default: undefined }, own };
    }
    const parts = own.oneOf ?? own.anyOf;
    if (parts) {
      const inner = parts.filter((part) => this.open(part).type !== "null");
      if (inner.length < parts.length) {
        return { form: "optional", inner: inner.length === 1 ? inner[0] : { ...own, oneOf: inner, anyOf: undefined }, own };
      }
      const choices = inner.flatMap((part) => this.#values(part) ?? [undefined]);
      if (!choices.includes(undefined)) return { form: "choice", choices, own };
      return { form: "variants", variants: inner.map((part, n) => this.#variant(part, n)), own };
    }
    if (own.enum) return { form: "choice", choices: own.enum, own };
    switch (own.type) {
      case "object":
        return own.properties ? { form: "object", own } : { form: "unknown", own };
      case "array":
        return { form: "list", items: own.items ?? {}, own };
      case "boolean":
      case "number":
      case "integer":
        return { form: own.type, own };
      case "string":
        if (own.pattern?.includes("a-fA-F")) return { form: "color", own };
        return { form: own.format === "date-time" ? "moment" : "text", own };
      default:
        return { form: "unknown", own };
    }
  }

  #values(part) {
    const own = this.open(part);
    if ("const" in own) return [own.const];
    return own.enum;
  }

  // One of several forms: told by a field with a constant, by the one field that it has, or by its type.
  #variant(part, n) {
    const schema = this.open(part);
    const fields = Object.entries(schema.properties ?? {});
    const constant = fields.find(([, field]) => "const" in this.open(field));
    if (constant) {
      const [name, value] = [constant[0], this.open(constant[1]).const];
      return { name: String(value), schema, matches: (given) => given?.[name] === value };
    }
    if (fields.length === 1 && schema.required?.length === 1) {
      const [name] = fields[0];
      return { name, schema, matches: (given) => plain(given) && name in given };
    }
    const values = this.#values(part);
    if (values) return { name: values.join(", "), schema, matches: (given) => values.includes(given) };
    const type = [schema.type].flat()[0];
    const is = { object: (given) => plain(given) && !Array.isArray(given), array: Array.isArray };
    const name = this.shape(schema).form === "color" ? "colour" : type === "object" ? (part.$ref?.split("/").at(-1).toLowerCase() ?? "object") : (type ?? `form ${n + 1}`);
    const matches = is[type] ?? ((given) => typeof given === (type === "integer" ? "number" : type));
    return { name, schema, matches };
  }

  // A value that the schema takes. `hints` says what is a good one for the name of a field.
  sample(schema, name = "", hints = {}) {
    if (name in hints) return hints[name];
    const { form, own, ...rest } = this.shape(schema);
    if (own.default !== undefined && own.default !== null) return structuredClone(own.default);
    switch (form) {
      case "fixed":
        return rest.value;
      case "optional":
        return this.sample(rest.inner, name, hints);
      case "choice":
        return rest.choices[0];
      case "variants":
        return this.sample(rest.variants[0].schema, name, hints);
      case "object": {
        const needed = own.required ?? [];
        return Object.fromEntries(needed.map((field) => [field, this.sample(own.properties[field], field, hints)]));
      }
      case "list":
        return own.minItems > 0 ? [this.sample(rest.items, name, hints)] : [];
      case "boolean":
        return false;
      case "number":
      case "integer":
        return Math.max(own.minimum ?? 0, 0);
      case "color":
        return "#ffffff";
      case "moment":
        return new Date(Date.now() + 600_000).toISOString().replace(/\.\d+Z/, "Z");
      default:
        return name || "text";
    }
  }
}

// The kinds of layer: the fields that all of them have, and those of each.
export class Kinds {
  constructor(schemas) {
    const all = schemas.open({ $ref: "#/components/schemas/Layer" }).oneOf ?? [];
    this.byName = new Map(all.map((kind) => [kind.title, kind]));
    const names = all.map((kind) => Object.keys(kind.properties));
    this.common = names.length > 0 ? names[0].filter((name) => names.every((own) => own.includes(name))) : [];
  }

  get names() {
    return [...this.byName.keys()];
  }

  // The fields that only this kind has.
  own(kind) {
    const { properties = {} } = this.byName.get(kind) ?? {};
    return Object.fromEntries(Object.entries(properties).filter(([name]) => !this.common.includes(name)));
  }

  shared(kind) {
    const { properties = {} } = this.byName.get(kind) ?? {};
    return Object.fromEntries(Object.entries(properties).filter(([name]) => this.common.includes(name)));
  }
}

type Schema = { [keyword: string]: any };

/** Places of a value that its JSON Schema says nothing of, such as `items[].endpoints[].name`. */
export function undescribed(value: unknown, schema: Schema, definitions: Record<string, Schema>, at = ""): string[] {
  // Anything at all.
  if (Object.keys(schema).length === 0) return [];
  const { $ref, anyOf, items, properties, additionalProperties } = schema;
  if ($ref) return undescribed(value, definitions[$ref.slice($ref.lastIndexOf("/") + 1)] as Schema, definitions, at);
  if (anyOf) {
    const each = (anyOf as Schema[]).map((one) => undescribed(value, one, definitions, at));
    return each.sort((a, b) => a.length - b.length)[0] ?? [];
  }
  if (Array.isArray(value)) return items ? value.flatMap((one) => undescribed(one, items, definitions, `${at}[]`)) : [];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = at ? `${at}.${key}` : key;
    if (properties?.[key]) return undescribed(inner, properties[key], definitions, place);
    // A record describes all its values at once; an object that may grow describes none.
    const isRecord = !properties && typeof additionalProperties === "object";
    return isRecord ? undescribed(inner, additionalProperties, definitions, place) : [place];
  });
}

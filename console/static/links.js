// Grafana's links with their variables filled in, on this console's own paths.

// `row`: {field: value} of the table row, {} elsewhere; `labels`: the tags of the series.
export function address(url, scope, row = {}, labels = {}) {
  return url
    .replace(/\$\{__data\.fields\.(\w+)(?::\w+)?\}/g, (_, field) => encodeURIComponent(row[field] ?? ""))
    .replace(/\$\{__field\.labels\.(\w+)(?::\w+)?\}/g, (_, label) => encodeURIComponent(labels[label] ?? ""))
    .replace("${__url_time_range}", scope.board.timeParameters())
    .replace("${__all_variables}", new URLSearchParams(scope.variables.parameters()).toString())
    .replace(/var-\w+=\$\{\w+\}&?/g, "") // what this console has not got: its one data source
    .replace("?&", "?")
    .replace(/^\/d\/([\w-]+)/, "/boards/$1");
}

using Isoflop.Cli;

return App.Start(args, Verbs.All);

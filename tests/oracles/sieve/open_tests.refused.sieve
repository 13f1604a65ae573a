keep
if (

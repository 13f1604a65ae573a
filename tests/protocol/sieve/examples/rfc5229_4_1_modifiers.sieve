# RFC 5229 §4.1
#= a: fileinto juMBlEd lETteRS | fileinto 15 | fileinto jumbled letters | fileinto JuMBlEd lETteRS | fileinto Jumbled letters | fileinto Rock\*
require ["variables", "fileinto"];
set "a" "juMBlEd lETteRS";
fileinto "${a}";
set :length "b" "${a}";
fileinto "${b}";
set :lower "b" "${a}";
fileinto "${b}";
set :upperfirst "b" "${a}";
fileinto "${b}";
set :upperfirst :lower "b" "${a}";
fileinto "${b}";
set :quotewildcard "b" "Rock*";
fileinto "${b}";

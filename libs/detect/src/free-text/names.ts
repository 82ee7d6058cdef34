const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Given names frequent in the United States (Social Security Administration, national data on births), lower case. */
export const GIVEN_NAMES = words(`
  aaron abigail adam adrian alan albert alberto alejandro alexander alexandra alexis alfred alice alicia allison alyssa amanda amber amy ana andrea andrew
  angel angela anita ann anna anne anthony antonio april ariana arthur ashley audrey austin barbara beatrice benjamin bernard beth betty beverly bonnie
  bradley brandon brenda brian brittany bruce bryan caleb camila carl carla carlos carmen carol caroline catherine charles charlotte cheryl chloe
  christian christina christine christopher claire clara claudia connor cristina crystal curtis cynthia daniel danielle david deborah debra denise dennis
  derek diana diane diego dominic donald donna dorothy douglas dylan edith eduardo edward edwin eleanor elena elijah elizabeth ella ellen emily emma eric
  erica erin ernest esther ethan eugene eva evelyn fernando florence frances francis francisco frank franklin fred frederick gabriel gabriela gary george
  gerald gloria grace gregory hannah harold harry harvey heather hector helen henry herbert howard hugo ian irene isaac isabel isabella isaiah ivan jack
  jackson jacob jacqueline jaime james jamie janet janice jared jasmine jason javier jean jeff jeffrey jennifer jeremy jerry jesse jessica jesus jill joan
  joanna joel john johnny jonathan jordan jorge jose joseph joshua joyce juan juanita judith julia julian julie justin karen karl katherine kathleen
  kathryn katie kayla keith kelly kenneth kevin kimberly kyle larry laura lauren laurie lawrence leah leo leon leonard leslie liam lillian linda lisa logan
  lois lorraine louis louise lucas lucia lucy luis luke lynn madison marcus margaret maria marie marilyn mario marion marjorie mark martha martin marvin
  mary mason matthew maureen melanie melissa mia michael michele michelle miguel mildred mohammed monica morgan nancy naomi natalie nathan nathaniel
  nicholas nicole noah norma norman olivia oscar owen pablo pamela patricia patrick paul paula pauline pedro peggy peter philip phillip phyllis rachel
  rafael ralph ramon randy raul raymond rebecca regina ricardo richard robert roberta roberto robin rodney roger ronald rosa rosemary roy russell ruth ryan
  sally samantha samuel sandra sara sarah scott sean sergio seth sharon sheila sherry shirley simon sofia sophia stanley stella stephanie stephen steve
  steven stuart susan suzanne sylvia tamara tammy tanya teresa terry thelma theodore theresa thomas tiffany timothy tina todd tracy travis tyler valerie
  vanessa vera veronica vicki victor victoria vincent violet virginia vivian walter wanda warren wayne wendy wesley william willie xavier yolanda yvonne
  zachary zoe
`);

/** Capitalised words that begin sentences or stand beside names and are none, lower case. */
export const NOT_NAMES = words(`
  a account address agreement an and april are as at august avenue bank been but by call can card check city code company corporation could country
  court credit customer date dear december department did do does drive each february for friday from group had has have he hello her here hi his how i if
  in inc is it its january july june lane llc ltd made march may might monday my name no not november number october of on or our over per phone place
  please regards road saturday september she should since so state street sunday thank thanks that the their them then there these they this those thursday
  to tuesday university us was we wednesday were what when where which who why will with would yes you your
`);
